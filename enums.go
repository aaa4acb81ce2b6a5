package vpptoken

import "slices"

// The enums are open, because Microsoft adds members: a value that is not listed here is kept and
// written back unchanged, and its IsKnown is false. Values returns the listed members, for menus
// and validators. The zero value "" means that the service sent none.

// AccountType is the Apple program that a token belongs to (vppTokenAccountType).
type AccountType string

// Graph's account types.
const (
	AccountTypeBusiness  AccountType = "business"
	AccountTypeEducation AccountType = "education"
)

// Values returns the constants above in Graph's order, in a fresh slice.
func (AccountType) Values() []AccountType {
	return []AccountType{AccountTypeBusiness, AccountTypeEducation}
}

// IsKnown reports whether a is one of the constants above.
func (a AccountType) IsKnown() bool { return slices.Contains(a.Values(), a) }

// State is the state of a token as Intune and Apple see it (vppTokenState). StateUnknown is a value
// of the service itself, not a mark for values that this package does not know.
type State string

// Graph's states. A token can become invalid long before it expires: the Apple user changed the
// password or left the organization, or the token was revoked.
const (
	StateUnknown               State = "unknown"
	StateValid                 State = "valid"
	StateExpired               State = "expired"
	StateInvalid               State = "invalid"
	StateAssignedToExternalMDM State = "assignedToExternalMDM" // another MDM owns it: remove it there, or claim it
	StateDuplicateLocationID   State = "duplicateLocationId"   // beta: uploaded twice, sync has stopped
)

// Values returns the constants above in Graph's order, in a fresh slice.
func (State) Values() []State {
	return []State{
		StateUnknown, StateValid, StateExpired, StateInvalid, StateAssignedToExternalMDM,
		StateDuplicateLocationID,
	}
}

// IsKnown reports whether s is one of the constants above.
func (s State) IsKnown() bool { return slices.Contains(s.Values(), s) }

// SyncStatus is how the last sync with Apple went (vppTokenSyncStatus). Right after a request for a
// sync it may still describe the previous one: see [Client.WaitSync].
type SyncStatus string

// Graph's sync statuses.
const (
	SyncStatusNone       SyncStatus = "none"
	SyncStatusInProgress SyncStatus = "inProgress"
	SyncStatusCompleted  SyncStatus = "completed"
	SyncStatusFailed     SyncStatus = "failed"
)

// Values returns the constants above in Graph's order, in a fresh slice.
func (SyncStatus) Values() []SyncStatus {
	return []SyncStatus{SyncStatusNone, SyncStatusInProgress, SyncStatusCompleted, SyncStatusFailed}
}

// IsKnown reports whether s is one of the constants above.
func (s SyncStatus) IsKnown() bool { return slices.Contains(s.Values(), s) }

// ActionState is the progress of an action on a token (actionState).
type ActionState string

// Graph's action states.
const (
	ActionStateNone         ActionState = "none"
	ActionStatePending      ActionState = "pending"
	ActionStateCanceled     ActionState = "canceled"
	ActionStateActive       ActionState = "active"
	ActionStateDone         ActionState = "done"
	ActionStateFailed       ActionState = "failed"
	ActionStateNotSupported ActionState = "notSupported"
)

// Values returns the constants above in Graph's order, in a fresh slice.
func (ActionState) Values() []ActionState {
	return []ActionState{
		ActionStateNone, ActionStatePending, ActionStateCanceled, ActionStateActive, ActionStateDone,
		ActionStateFailed, ActionStateNotSupported,
	}
}

// IsKnown reports whether s is one of the constants above.
func (s ActionState) IsKnown() bool { return slices.Contains(s.Values(), s) }

// ActionFailureReason is why revoking licenses failed (vppTokenActionFailureReason, beta).
type ActionFailureReason string

// Graph's failure reasons.
const (
	ActionFailureReasonNone            ActionFailureReason = "none"
	ActionFailureReasonAppleFailure    ActionFailureReason = "appleFailure"
	ActionFailureReasonInternalError   ActionFailureReason = "internalError"
	ActionFailureReasonExpiredVPPToken ActionFailureReason = "expiredVppToken"

	ActionFailureReasonExpiredApplePushNotificationCertificate ActionFailureReason = "expiredApplePushNotificationCertificate"
)

// Values returns the constants above in Graph's order, in a fresh slice.
func (ActionFailureReason) Values() []ActionFailureReason {
	return []ActionFailureReason{
		ActionFailureReasonNone, ActionFailureReasonAppleFailure, ActionFailureReasonInternalError,
		ActionFailureReasonExpiredVPPToken, ActionFailureReasonExpiredApplePushNotificationCertificate,
	}
}

// IsKnown reports whether r is one of the constants above.
func (r ActionFailureReason) IsKnown() bool { return slices.Contains(r.Values(), r) }

// DeliveryProtocol is how Intune tells devices to install the apps (appleDeviceDeliveryProtocol,
// beta).
type DeliveryProtocol string

// Graph's delivery protocols. Graph ignores DeliveryProtocolUnknownFutureValue in a PATCH, so
// [Client.Update] refuses it.
const (
	DeliveryProtocolDefault                     DeliveryProtocol = "default"
	DeliveryProtocolMobileDeviceManagement      DeliveryProtocol = "mobileDeviceManagement"
	DeliveryProtocolDeclarativeDeviceManagement DeliveryProtocol = "declarativeDeviceManagement"
	DeliveryProtocolUnknownFutureValue          DeliveryProtocol = "unknownFutureValue"
)

// Values returns the constants above in Graph's order, in a fresh slice.
func (DeliveryProtocol) Values() []DeliveryProtocol {
	return []DeliveryProtocol{
		DeliveryProtocolDefault, DeliveryProtocolMobileDeviceManagement,
		DeliveryProtocolDeclarativeDeviceManagement, DeliveryProtocolUnknownFutureValue,
	}
}

// IsKnown reports whether p is one of the constants above.
func (p DeliveryProtocol) IsKnown() bool { return slices.Contains(p.Values(), p) }
