package vpptoken

// The enums are open: Microsoft adds members, so a word that is not listed here is kept as it came and written back
// unchanged, and IsKnown is false for it. The zero value "" means that the service sent none.

// AccountType tells which of Apple's programs a token belongs to (vppTokenAccountType).
type AccountType string

// The account types of Graph.
const (
	AccountTypeBusiness  AccountType = "business"
	AccountTypeEducation AccountType = "education"
)

// IsKnown reports whether a is one of the constants above.
func (a AccountType) IsKnown() bool {
	switch a {
	case AccountTypeBusiness, AccountTypeEducation:
		return true
	}
	return false
}

// State is what Intune and Apple think of a token (vppTokenState). StateUnknown is a word of the service itself, not
// the mark of a word that this package does not know.
type State string

// The states of Graph. A token can be invalid long before its date: the Apple user changed the password or left the
// organisation, or the token was revoked.
const (
	StateUnknown               State = "unknown"
	StateValid                 State = "valid"
	StateExpired               State = "expired"
	StateInvalid               State = "invalid"
	StateAssignedToExternalMDM State = "assignedToExternalMDM" // another MDM owns it: remove it there, or claim it
	StateDuplicateLocationID   State = "duplicateLocationId"   // beta: the location was uploaded twice, sync has stopped
)

// IsKnown reports whether s is one of the constants above.
func (s State) IsKnown() bool {
	switch s {
	case StateUnknown, StateValid, StateExpired, StateInvalid, StateAssignedToExternalMDM, StateDuplicateLocationID:
		return true
	}
	return false
}

// SyncStatus is how the last synchronisation with Apple went (vppTokenSyncStatus). Right after a sync was
// requested it may still be that of the one before: see [Client.WaitSync].
type SyncStatus string

// The sync states of Graph.
const (
	SyncStatusNone       SyncStatus = "none"
	SyncStatusInProgress SyncStatus = "inProgress"
	SyncStatusCompleted  SyncStatus = "completed"
	SyncStatusFailed     SyncStatus = "failed"
)

// IsKnown reports whether s is one of the constants above.
func (s SyncStatus) IsKnown() bool {
	switch s {
	case SyncStatusNone, SyncStatusInProgress, SyncStatusCompleted, SyncStatusFailed:
		return true
	}
	return false
}

// ActionState is how far an action on a token has come (actionState).
type ActionState string

// The action states of Graph.
const (
	ActionStateNone         ActionState = "none"
	ActionStatePending      ActionState = "pending"
	ActionStateCanceled     ActionState = "canceled"
	ActionStateActive       ActionState = "active"
	ActionStateDone         ActionState = "done"
	ActionStateFailed       ActionState = "failed"
	ActionStateNotSupported ActionState = "notSupported"
)

// IsKnown reports whether s is one of the constants above.
func (s ActionState) IsKnown() bool {
	switch s {
	case ActionStateNone, ActionStatePending, ActionStateCanceled, ActionStateActive, ActionStateDone,
		ActionStateFailed, ActionStateNotSupported:
		return true
	}
	return false
}

// ActionFailureReason is why revoking licences failed (vppTokenActionFailureReason, beta).
type ActionFailureReason string

// The failure reasons of Graph.
const (
	ActionFailureReasonNone                                    ActionFailureReason = "none"
	ActionFailureReasonAppleFailure                            ActionFailureReason = "appleFailure"
	ActionFailureReasonInternalError                           ActionFailureReason = "internalError"
	ActionFailureReasonExpiredVPPToken                         ActionFailureReason = "expiredVppToken"
	ActionFailureReasonExpiredApplePushNotificationCertificate ActionFailureReason = "expiredApplePushNotificationCertificate"
)

// IsKnown reports whether r is one of the constants above.
func (r ActionFailureReason) IsKnown() bool {
	switch r {
	case ActionFailureReasonNone, ActionFailureReasonAppleFailure, ActionFailureReasonInternalError,
		ActionFailureReasonExpiredVPPToken, ActionFailureReasonExpiredApplePushNotificationCertificate:
		return true
	}
	return false
}

// DeliveryProtocol is how Intune tells devices to install the apps (appleDeviceDeliveryProtocol, beta).
type DeliveryProtocol string

// The delivery protocols of Graph. Graph ignores DeliveryProtocolUnknownFutureValue in a PATCH, so
// [Client.Update] refuses it.
const (
	DeliveryProtocolDefault                     DeliveryProtocol = "default"
	DeliveryProtocolMobileDeviceManagement      DeliveryProtocol = "mobileDeviceManagement"
	DeliveryProtocolDeclarativeDeviceManagement DeliveryProtocol = "declarativeDeviceManagement"
	DeliveryProtocolUnknownFutureValue          DeliveryProtocol = "unknownFutureValue"
)

// IsKnown reports whether p is one of the constants above.
func (p DeliveryProtocol) IsKnown() bool {
	switch p {
	case DeliveryProtocolDefault, DeliveryProtocolMobileDeviceManagement,
		DeliveryProtocolDeclarativeDeviceManagement, DeliveryProtocolUnknownFutureValue:
		return true
	}
	return false
}
