package vpptoken_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestListFixture(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, faulttest.Fixture(t, "list-page-beta.json")).Then(faulttest.Respond(200, faulttest.Page("", "3"))))
	got, err := faulttest.Collect(c.List(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || mock.Requests()[1].URL != faulttest.Root+"?$top=2&$skiptoken=bmV4dA" {
		t.Fatalf("%d tokens over %v", len(got), mock.Lines())
	}
	date := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := &vpptoken.VPPToken{
		ID: "00000000-0000-4000-8000-000000000002", OrganizationName: "Nordwind School District",
		AccountType: vpptoken.AccountTypeEducation, ExpirationDateTime: date("2026-11-30T00:00:00Z"),
		LastModifiedDateTime: date("2026-11-19T08:00:00Z"), State: vpptoken.StateDuplicateLocationID,
		TokenActionResults: []vpptoken.ActionResult{{
			ODataType: "#microsoft.graph.vppTokenRevokeLicensesActionResult", ActionName: "revokeLicenses",
			ActionState: vpptoken.ActionStateFailed, StartDateTime: date("2026-11-19T07:00:00Z"),
			LastUpdatedDateTime: date("2026-11-19T07:05:00.5Z"),
			ActionFailureReason: vpptoken.ActionFailureReasonAppleFailure, TotalLicensesCount: 40, FailedLicensesCount: 3,
		}},
		LastSyncStatus: vpptoken.SyncStatusFailed, DataSharingConsentGranted: true,
		AppDeliveryProtocolType: "someFutureProtocol",
		Extra:                   map[string]json.RawMessage{"lastAppCount": json.RawMessage("12")},
	}
	if diff := cmp.Diff(want, got[1], cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("second token (-want +got):\n%s", diff)
	}
	if got[1].AppDeliveryProtocolType.IsKnown() || !got[0].AppDeliveryProtocolType.IsKnown() {
		t.Error("IsKnown of the delivery protocols")
	}
	if got[0].Extra != nil {
		t.Errorf("Extra of a token without unknown properties: %v", got[0].Extra)
	}
}
