package vpptoken_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
)

// The words of Graph's metadata, in its order.
func TestF38EnumsFollowTheMetadata(t *testing.T) {
	t.Parallel()
	checkEnum(t, []string{"business", "education"}, vpptoken.AccountTypeBusiness, vpptoken.AccountTypeEducation)
	checkEnum(t, []string{"unknown", "valid", "expired", "invalid", "assignedToExternalMDM", "duplicateLocationId"},
		vpptoken.StateUnknown, vpptoken.StateValid, vpptoken.StateExpired, vpptoken.StateInvalid,
		vpptoken.StateAssignedToExternalMDM, vpptoken.StateDuplicateLocationID)
	checkEnum(t, []string{"none", "inProgress", "completed", "failed"},
		vpptoken.SyncStatusNone, vpptoken.SyncStatusInProgress, vpptoken.SyncStatusCompleted, vpptoken.SyncStatusFailed)
	checkEnum(t, []string{"none", "pending", "canceled", "active", "done", "failed", "notSupported"},
		vpptoken.ActionStateNone, vpptoken.ActionStatePending, vpptoken.ActionStateCanceled, vpptoken.ActionStateActive,
		vpptoken.ActionStateDone, vpptoken.ActionStateFailed, vpptoken.ActionStateNotSupported)
	checkEnum(t,
		[]string{"none", "appleFailure", "internalError", "expiredVppToken", "expiredApplePushNotificationCertificate"},
		vpptoken.ActionFailureReasonNone, vpptoken.ActionFailureReasonAppleFailure,
		vpptoken.ActionFailureReasonInternalError,
		vpptoken.ActionFailureReasonExpiredVPPToken,
		vpptoken.ActionFailureReasonExpiredApplePushNotificationCertificate)
	checkEnum(t, []string{"default", "mobileDeviceManagement", "declarativeDeviceManagement", "unknownFutureValue"},
		vpptoken.DeliveryProtocolDefault, vpptoken.DeliveryProtocolMobileDeviceManagement,
		vpptoken.DeliveryProtocolDeclarativeDeviceManagement, vpptoken.DeliveryProtocolUnknownFutureValue)
}

// checkEnum takes the words of an enum and its constants, both in Graph's order.
func checkEnum[T interface {
	~string
	IsKnown() bool
	Values() []T
}](t *testing.T, words []string, constants ...T,
) {
	t.Helper()
	var got []string
	for _, c := range constants {
		if got = append(got, string(c)); !c.IsKnown() {
			t.Errorf("%T %q is not known", c, c)
		}
	}
	if diff := cmp.Diff(words, got); diff != "" {
		t.Errorf("%T (-metadata +constants):\n%s", constants[0], diff)
	}
	for _, receiver := range []T{"", constants[0], "notAWord"} {
		if diff := cmp.Diff(constants, receiver.Values()); diff != "" {
			t.Errorf("Values of %T %q (-constants +got):\n%s", receiver, receiver, diff)
		}
	}
	constants[0].Values()[0] = "changed"
	if diff := cmp.Diff(constants, constants[0].Values()); diff != "" {
		t.Errorf("Values of %T is not a fresh slice:\n%s", constants[0], diff)
	}
	for _, unknown := range []T{"", "None", "VALID", "notAWord", " none"} {
		if unknown.IsKnown() {
			t.Errorf("%T %q is known", unknown, unknown)
		}
	}
}
