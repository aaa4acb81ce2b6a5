package main

// This file makes what the demonstration works on: tenants with tokens that are about to expire,
// each with a Microsoft Graph inside the program, and content token files like Apple's.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// demonstrate checks the tenants, renews their tokens while a worker is killed, and checks them
// again.
func demonstrate(ctx context.Context, s settings, stdout io.Writer, con *console) (int, error) {
	dir, err := os.MkdirTemp("", "fleet-demonstration-")
	if err != nil {
		return 0, fmt.Errorf("the demonstration: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	now := time.Now().UTC().Truncate(time.Second)
	var tenants []tenant
	for i, name := range []string{
		"nordwind", "fjordkraft", "solberg", "havn", "lysverk", "granli", "bakkeskole", "tindevik",
	} {
		graph := vpptokentest.NewServer(vpptokentest.WithSyncDuration(300 * time.Millisecond))
		defer graph.Close()
		id := graph.Add(vpptoken.VPPToken{
			DisplayName: "iPads of " + name, OrganizationName: name,
			ExpirationDateTime: now.AddDate(0, 0, 4*(i+1)), LastSyncDateTime: now.Add(-2 * time.Hour),
		})
		if name == "havn" { // the queue waits as long as the service asks, while the worker does something else
			graph.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"})
		}
		t, err := writeTenant(dir, name, graph, id, now.AddDate(1, 0, 0))
		if err != nil {
			return 0, fmt.Errorf("the demonstration: %w", err)
		}
		tenants = append(tenants, t)
	}
	if s.tenants, err = writeTenants(dir, tenants); err != nil {
		return 0, fmt.Errorf("the demonstration: %w", err)
	}
	con.printf("a demonstration: %d tenants, %d workers, and a queue, all on this machine; -h tells more",
		len(tenants), s.workers)
	s.kill = true
	return coordinate(ctx, s, tenants, "", []string{"check", "renew", "check"}, stdout, con)
}

// writeTenant writes the files of a tenant whose Graph is a server of this program.
func writeTenant(dir, name string, graph *vpptokentest.Server, id string, expires time.Time) (tenant, error) {
	t := tenant{
		Name: name, Graph: graph.URL(), SecretFile: filepath.Join(dir, name+".secret"),
		Token: id, ContentToken: filepath.Join(dir, "sToken_for_"+name+".vpptoken"),
	}
	bearer, err := graph.TokenSource().Token()
	if err != nil {
		return t, err
	}
	if err := os.WriteFile(t.SecretFile, []byte(bearer.AccessToken), 0o600); err != nil {
		return t, err
	}
	text, err := json.Marshal(map[string]string{
		"token": "of the demonstration", "expDate": expires.Format("2006-01-02T15:04:05-0700"), "orgName": name,
	})
	if err != nil {
		return t, err
	}
	return t, os.WriteFile(t.ContentToken, []byte(base64.StdEncoding.EncodeToString(text)), 0o600)
}

func writeTenants(dir string, tenants []tenant) (string, error) {
	name := filepath.Join(dir, "tenants.json")
	text, err := json.MarshalIndent(tenants, "", "  ")
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(name, text, 0o600)
}
