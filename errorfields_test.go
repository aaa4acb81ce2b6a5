package vpptoken_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// A tenant without Intune is named, with what helps; so is throttling that comes as a 500, and which property was refused.
func TestF17F21F39WhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	op := faulttest.Named(t, "update")
	e := failed(t, op, 400, `{"error":{"code":"BadRequest","message":"Request not applicable to target tenant."}}`)
	if !errors.Is(e, vpptoken.ErrNoIntune) || vpptoken.Retryable(e) || !strings.Contains(e.Error(), "no Intune license") || !strings.Contains(e.Error(), "MDM authority") {
		t.Error(e)
	}
	e = failed(t, op, 500, `{"error":{"code":"InternalError","message":"{\"Message\":\"Rate limit reached because of too many requests for x. Please retry after sometime.\"}"}}`)
	if !errors.Is(e, vpptoken.ErrThrottled) || !vpptoken.Retryable(e) {
		t.Error(e)
	}
	e = failed(t, op, 500, `{"error":{"code":"InternalError","message":"The maximum limit of 100 items was reached."}}`)
	if errors.Is(e, vpptoken.ErrThrottled) || errors.Is(e, vpptoken.ErrNoIntune) {
		t.Error(e)
	}
	e = failed(t, op, 400, `{"error":{"code":"ModelValidationFailure","message":"null","details":[{"target":"vppTokenAccountType\r\n"}]}}`)
	if e.Target != `vppTokenAccountType\r\n` || e.Code != "ModelValidationFailure" {
		t.Errorf("target %q", e.Target)
	}
}
