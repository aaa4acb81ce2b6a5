package vpptoken_test

import (
	"testing"

	"github.com/vpptoken/vpptoken"
)

func TestEnums(t *testing.T) {
	t.Parallel()
	checkEnum(t, map[vpptoken.AccountType]string{vpptoken.AccountTypeBusiness: "business", vpptoken.AccountTypeEducation: "education"})
	checkEnum(t, map[vpptoken.State]string{
		vpptoken.StateUnknown: "unknown", vpptoken.StateValid: "valid", vpptoken.StateExpired: "expired", vpptoken.StateInvalid: "invalid",
		vpptoken.StateAssignedToExternalMDM: "assignedToExternalMDM", vpptoken.StateDuplicateLocationID: "duplicateLocationId",
	})
	checkEnum(t, map[vpptoken.SyncStatus]string{
		vpptoken.SyncStatusNone: "none", vpptoken.SyncStatusInProgress: "inProgress", vpptoken.SyncStatusCompleted: "completed",
		vpptoken.SyncStatusFailed: "failed",
	})
	checkEnum(t, map[vpptoken.ActionState]string{
		vpptoken.ActionStateNone: "none", vpptoken.ActionStatePending: "pending", vpptoken.ActionStateCanceled: "canceled",
		vpptoken.ActionStateActive: "active", vpptoken.ActionStateDone: "done", vpptoken.ActionStateFailed: "failed",
		vpptoken.ActionStateNotSupported: "notSupported",
	})
	checkEnum(t, map[vpptoken.ActionFailureReason]string{
		vpptoken.ActionFailureReasonNone: "none", vpptoken.ActionFailureReasonAppleFailure: "appleFailure",
		vpptoken.ActionFailureReasonInternalError: "internalError", vpptoken.ActionFailureReasonExpiredVPPToken: "expiredVppToken",
		vpptoken.ActionFailureReasonExpiredApplePushNotificationCertificate: "expiredApplePushNotificationCertificate",
	})
	checkEnum(t, map[vpptoken.DeliveryProtocol]string{
		vpptoken.DeliveryProtocolDefault: "default", vpptoken.DeliveryProtocolMobileDeviceManagement: "mobileDeviceManagement",
		vpptoken.DeliveryProtocolDeclarativeDeviceManagement: "declarativeDeviceManagement",
		vpptoken.DeliveryProtocolUnknownFutureValue:          "unknownFutureValue",
	})
}

// checkEnum takes the constants of a type with the words of Graph's metadata.
func checkEnum[T interface {
	~string
	IsKnown() bool
}](t *testing.T, constants map[T]string,
) {
	t.Helper()
	for c, word := range constants {
		if string(c) != word || !c.IsKnown() {
			t.Errorf("%T %q, known %v, want %q", c, c, c.IsKnown(), word)
		}
	}
	for _, unknown := range []T{"", "None", "VALID", "notAWord", " none"} {
		if unknown.IsKnown() {
			t.Errorf("%T %q is known", unknown, unknown)
		}
	}
}
