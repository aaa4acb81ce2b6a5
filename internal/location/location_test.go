package location_test

import (
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/internal/location"
)

// F30: which names of two locations are surely two locations.
func TestF30Differ(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, service string
		want          bool
	}{
		{"Oslo", "Bergen", true},
		{"Oslo", "Oslo Vest", true},
		{"Oslo Vest", "Oslo", true},
		{"Oslo", "Oslo2", true},
		{"Skule-1", "Skule-2", true},
		{"Skule-2", "Skule-1", true},
		{"Skule", "Skule-2", true},
		{"Skule 1", "Skule 2", true},
		{"Skule_1", "Skule_2", true},
		{"Skule (Oslo)", "Skule (Bergen)", true},
		{"Skule (2025)", "Skule (2026)", true},
		{"Å", "A", true},
		{"1", "2", true},

		{"Oslo", "Oslo", false},
		{"oslo", "OSLO", false},
		{"blåbær", "BLÅBÆR", false},
		{"Oslo_Vest", "Oslo Vest", false},
		{"Oslo-Vest", "Oslo Vest", false},
		{"Oslo.Vest", "Oslo_Vest", false},
		{"Oslo_-_Vest", "Oslo - Vest", false},
		{"Skule_nr_2", "Skule nr. 2", false},
		{"Oslo\u00a0Vest", "Oslo Vest", false},
		{" Oslo. ", "Oslo", false},
		{"Oslo_Vest", "Oslo/Vest", false},
		{"Oslo (1)", "Oslo", false},
		{"Oslo(1)", "Oslo", false},
		{"Oslo (12)", "Oslo", false},
		{"Oslo-1", "Oslo", false},
		{"Oslo-2", "Oslo", false},
		{"Oslo-1 (1)", "Oslo", false},
		{"Oslo", "Oslo (1)", false},
		{"Oslo", "Oslo(1)", false},
		{"Oslo", "Oslo-1", false},
		{"Oslo (1)", "Oslo-1", false},
		{"Skule-2", "Skule-2", false},
		{"Skule-2", "skule 2", false},
		{"Skule-2-1", "Skule-2", false},
		{"Skule-2 (1)", "Skule-2", false},

		{"", "Oslo", false},
		{"Oslo", "", false},
		{"", "", false},
		{"-1", "Oslo", false},
		{"(1)", "Oslo", false},
		{"..", "Oslo", false},
		{"Oslo", " _ ", false},
		{"Bla\u030abær", "Blåbær", false}, // the same, as a file system has rewritten it
		{"Oslo", "Bla\u030abær", false},   // not sure
	} {
		if got := location.Differ(tt.file, tt.service); got != tt.want {
			t.Errorf("Differ(%q, %q) = %v", tt.file, tt.service, got)
		}
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		before, after string
		want          bool
	}{
		{"Oslo", "Bergen", true},
		{"Oslo", "oslo", false},
		{"Oslo skole_1", "Oslo-Skole 1 ", false},
		{"Oslo-1", "Oslo-2", true},
		{"Oslo", "Oslo (1)", true}, // no file's name: it has no counter
		{"-", "_", true},           // nothing is left of them
		{"Oslo", "Oslo", false},
		{"", "Oslo", false},
		{"Oslo", "", false},
		{"", "", false},
	} {
		if got := location.Changed(tt.before, tt.after); got != tt.want {
			t.Errorf("Changed(%q, %q) = %v", tt.before, tt.after, got)
		}
	}
}

func FuzzLocation(f *testing.F) {
	for _, s := range []string{
		"Oslo", "Oslo (1)", "Oslo-1", ".Oslo", "(1)", "-1-1-1", "()", "(-)", "-", "Skule-2", "\xff", "a\u030a",
	} {
		f.Add(s, "Oslo")
	}
	f.Fuzz(func(t *testing.T, file, service string) {
		if location.Differ(file, file) {
			t.Errorf("%q differs from itself", file)
		}
		if location.Differ(file, service) && (file == "" || service == "" || strings.EqualFold(file, service)) {
			t.Errorf("%q and %q", file, service)
		}
		for _, name := range []string{"sToken_for_" + file + ".vpptoken", "sToken_for_." + file + "-1.vpptoken"} {
			if got := location.FromFile(name); location.Differ(got, file) {
				t.Errorf("%q gives %q, which is not %q", name, got, file)
			}
		}
	})
}
