package contenttoken_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/contenttoken"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	const path = "testdata/sToken_for_Nordwind.vpptoken"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ct, err := contenttoken.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if ct.OrganizationName != "Nordwind School District" || ct.Location != "Nordwind" {
		t.Errorf("OrganizationName = %q, Location = %q", ct.OrganizationName, ct.Location)
	}
	if got := ct.ExpirationDateTime.String(); got != "2027-11-20 18:13:52 +0000 UTC" {
		t.Errorf("ExpirationDateTime = %s", got)
	}
	if want := strings.TrimSpace(string(text)); ct.Secret().Reveal() != want {
		t.Errorf("Secret = %q, want %q", ct.Secret().Reveal(), want)
	}
}

// F30: the name of the file is all that tells the location, and it comes in several shapes.
func TestF30Location(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, want string }{
		{"sToken_for_Nordwind.vpptoken", "Nordwind"},
		{"sToken_for_Nordwind Bergen.vpptoken", "Nordwind Bergen"},
		{"sToken_for_Skule nr. 2.vpptoken", "Skule nr. 2"},
		{"sToken_for_Nordwind (1).vpptoken", "Nordwind"},
		{"sToken_for_Nordwind (12).vpptoken", "Nordwind"},
		{"sToken_for_Nordwind (Bergen).vpptoken", "Nordwind (Bergen)"},
		{"sToken_for_Nordwind (12.vpptoken", "Nordwind (12"},
		{"sToken_for_Nordwind ().vpptoken", "Nordwind ()"},
		{"sToken_for_Nordwind (Bergen) (1).vpptoken", "Nordwind (Bergen)"},
		{"sToken_for_Blåbær.vpptoken", "Blåbær"},
		{"sToken_for_Nordwind(1).vpptoken", "Nordwind"},
		{"sToken_for_Nordwind-1.vpptoken", "Nordwind"},
		{"sToken_for_.Nordwind.vpptoken", "Nordwind"},
		{"sToken_for_.Nordwind (2).vpptoken", "Nordwind"},
		{"sToken_for_Nordwind (1)-1.vpptoken", "Nordwind"},
		{"sToken_for_Nordwind-Bergen.vpptoken", "Nordwind-Bergen"},
		{"sToken_for_Skule-2.vpptoken", "Skule-2"}, // it may be the location's own number
		{"sToken_for_Skule (2026).vpptoken", "Skule (2026)"},
		{"sToken_for_1.vpptoken", "1"},
		{"stoken_for_Nordwind.vpptoken", "Nordwind"},
		{"STOKEN_FOR_NORDWIND (1).VPPTOKEN", "NORDWIND"},
		{"sToken_for_.vpptoken", ""},
		{"sToken_for_vpptoken", ""},
		{"sToken_for_..vpptoken", ""},
		{"sToken_for_ .vpptoken", ""},
		{"sToken_for_(1).vpptoken", ""},
		{"sToken_for_ (1).vpptoken", ""},
		{"sToken_for_-1.vpptoken", ""},
		{"sToken_for_Nordwind.vpptoken.txt", ""},
		{"sToken_for_Nordwind.vpptoken (1)", ""},
		{"sToken_for_Nordwind", ""},
		{"sToken-for-Nordwind.vpptoken", ""},
		{"sToken_forNordwind.vpptoken", ""},
		{"Copy of sToken_for_Nordwind.vpptoken", ""},
		{"sToken_for_Nordwind.txt", ""},
		{"Nordwind.vpptoken", ""},
		{"my sToken_for_Nordwind.vpptoken", ""},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			ct, err := contenttoken.ReadFile(writeFile(t, tt.file, valid))
			if err != nil {
				t.Fatal(err)
			}
			if ct.Location != tt.want {
				t.Errorf("Location = %q, want %q", ct.Location, tt.want)
			}
		})
	}
}

func TestReadFileMixups(t *testing.T) {
	t.Parallel()
	for _, tt := range mixups() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ct, err := contenttoken.ReadFile(writeFile(t, "token.txt", tt.text))
			if !errors.Is(err, tt.is) || err.Error() != tt.want || ct != nil {
				t.Errorf("ReadFile = %v, %v, want the error %s", ct, err, tt.want)
			}
		})
	}
}

func TestReadFileSize(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat("\n", 64<<10-len(valid))
	if _, err := contenttoken.ReadFile(writeFile(t, "x.vpptoken", valid+pad)); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
	_, err := contenttoken.ReadFile(writeFile(t, "x.txt", valid+pad+"\n"))
	if !errors.Is(err, contenttoken.ErrMalformed) || err.Error() != tooLarge {
		t.Errorf("64 KiB and a byte: %v", err)
	}
}

// A file that says it is large is refused before it is opened: this one can't be, save by root.
func TestLargeFileIsUnread(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "x.txt", valid+strings.Repeat("\n", 64<<10))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := contenttoken.ReadFile(path); err == nil || err.Error() != tooLarge {
		t.Errorf("ReadFile = %v, want the refusal of its size", err)
	}
}

// A file that does not tell its size is read no further than the bound.
func TestEndlessFile(t *testing.T) {
	t.Parallel()
	const path = "/dev/zero"
	if _, err := os.Stat(path); err != nil {
		t.Skip("no endless file on this system")
	}
	if _, err := contenttoken.ReadFile(path); err == nil || err.Error() != tooLarge {
		t.Errorf("ReadFile = %v, want the refusal of its size", err)
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sToken_for_Nordwind.vpptoken")
	_, err := contenttoken.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v does not match fs.ErrNotExist", err)
	}
	if !strings.HasPrefix(err.Error(), "contenttoken: the file can't be read: ") ||
		!strings.HasSuffix(err.Error(), `sToken_for_Nordwind.vpptoken")`) {
		t.Errorf("error text %s, want the cause and the file", err)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	ct, err := contenttoken.ReadFile(t.TempDir())
	if err == nil || ct != nil || err.Error() != "contenttoken: this is a directory: give the .vpptoken file in it" {
		t.Errorf("ReadFile = %v, %v", ct, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		t.Error("a directory that exists matches fs.ErrNotExist")
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	t.Parallel()
	_, err := contenttoken.ReadFile(writeFile(t, "sToken_for_Nordwind.vpptoken", object("2027-11-20T18:13:52+0000")))
	if !errors.Is(err, contenttoken.ErrDecoded) || !strings.Contains(err.Error(), "sToken_for_Nordwind.vpptoken") {
		t.Errorf("error text %s, want the name of the file", err)
	}
	if strings.Contains(err.Error(), innerToken) || strings.Contains(err.Error(), orgCanary) {
		t.Errorf("error text %s quotes the file", err)
	}
}

// People put the text of the token where the name of its file belongs.
func TestTokenAsName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		valid, valid + "\n", object("2027-11-20T18:13:52+0000"), innerToken, "a\x00" + innerToken,
	} {
		_, err := contenttoken.ReadFile(text)
		if err == nil {
			t.Fatal("no error")
		}
		if strings.Contains(err.Error(), innerToken) || strings.Contains(err.Error(), valid) ||
			strings.Contains(err.Error(), orgCanary) {
			t.Errorf("error text %s quotes the token", err)
		}
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			t.Error("the error still holds the name")
		}
	}
}
