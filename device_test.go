package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

const codeAnswer = `{"device_code":"` + faulttest.ClientSecret +
	`","user_code":"B7RK4TQWX","verification_uri":"https://login.example/device","expires_in":900,"interval":5}`

// device is an authority for a person: polls has its answers to the polls, one after the other.
func device(code string, polls ...func() (*http.Response, error)) *authority {
	return &authority{answer: func(n int, _ url.Values) (*http.Response, error) {
		if n == 0 {
			return faulttest.Answer(200, code, "Content-Type", "application/json"), nil
		}
		return polls[min(n, len(polls))-1]()
	}}
}

// reply is an answer to come. (The linter takes a function that returns one for one that is left
// open.)
type reply struct {
	give func() (*http.Response, error)
}

func pending() (*http.Response, error) { return refuse(400, "authorization_pending") }

func granted() (*http.Response, error) {
	return grant(0, `,"refresh_token":"`+faulttest.AppleToken+`"`)
}

func deviceSource(t *testing.T, a *authority) (*vpptoken.Source, error) {
	t.Helper()
	return vpptoken.CloudDelos.DeviceSource(a.in(t.Context()), "contoso.example", "client-id",
		func(*oauth2.DeviceAuthResponse) {})
}

func TestDeviceSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func() (*http.Response, error) { return refuse(400, "slow_down") }
		a := device(codeAnswer, pending, slow, pending, granted)
		var shown []oauth2.DeviceAuthResponse
		ctx, cancel := context.WithCancel(a.in(t.Context()))
		s, err := vpptoken.CloudDelos.DeviceSource(ctx, "contoso.example", "client-id",
			func(r *oauth2.DeviceAuthResponse) { shown = append(shown, *r) })
		if err != nil {
			t.Fatal(err)
		}
		cancel() // which ends only the sign-in
		if len(shown) != 1 || shown[0].UserCode != "B7RK4TQWX" ||
			shown[0].VerificationURI != "https://login.example/device" || shown[0].Expiry.IsZero() {
			t.Errorf("shown %d times", len(shown))
		}
		leaktest.ShowsNoSecret(t, fmt.Sprintf("%+v", shown))
		leaktest.ShowsNoSecret(t, s)
		const root = "POST https://login.sovcloud-identity.de/contoso.example/oauth2/v2.0/"
		if a.urls[0] != root+"devicecode" || a.urls[1] != root+"token" {
			t.Errorf("asked %v", a.urls)
		}
		var waits []time.Duration
		for i := range a.at[1:] {
			waits = append(waits, a.at[i+1].Sub(a.at[i]))
		}
		if want := "[5s 5s 10s 10s]"; fmt.Sprint(waits) != want {
			t.Errorf("polled after %v, want %s", waits, want)
		}
		forms := a.asked()
		const scope = "https://graph.svc.sovcloud.de/DeviceManagementServiceConfig.ReadWrite.All offline_access"
		if forms[0].Get("client_id") != "client-id" || forms[0].Get("scope") != scope {
			t.Errorf("asked for a code with %v", forms[0])
		}
		if forms[1].Get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" ||
			forms[1].Get("device_code") != faulttest.ClientSecret || forms[1].Has("client_secret") {
			t.Error("the poll is not one for this code")
		}

		// The tokens after it.
		a.answer = func(n int, _ url.Values) (*http.Response, error) { return grant(n, `,"refresh_token":"renewal"`) }
		for i, want := range []int{0, 5, 6, 6} {
			if i == 1 || i == 2 {
				time.Sleep(2 * time.Hour)
			}
			token, err := s.TokenContext(a.in(t.Context()), "")
			if err != nil || token.AccessToken != fmt.Sprintf("%s-%d", faulttest.Bearer, want) ||
				token.RefreshToken != "" {
				t.Errorf("token %d: %v", i, err)
			}
		}
		if _, err := s.TokenContext(a.in(t.Context()), "{}"); err != nil {
			t.Error(err)
		}
		forms = a.asked()[5:]
		for i, want := range []string{faulttest.AppleToken, "renewal", "renewal"} {
			if f := forms[i]; f.Get("grant_type") != "refresh_token" || f.Get("refresh_token") != want ||
				f.Get("scope") != scope || f.Has("claims") != (i == 2) {
				t.Errorf("refresh %d is not one with the last refresh token", i)
			}
		}
	})
}

type blip struct {
	answer func() (*http.Response, error)
	after  time.Duration // the person has signed in
}

// blips are what may happen to a poll.
func blips() map[string]blip {
	answers := func(after time.Duration, status int, headers ...string) blip {
		return blip{
			func() (*http.Response, error) { return faulttest.Answer(status, "<html>", headers...), nil }, after,
		}
	}
	fails := func(after time.Duration, err error) blip {
		return blip{func() (*http.Response, error) { return nil, err }, after}
	}
	return map[string]blip{
		"502": answers(10*time.Second, 502),
		"503": answers(65*time.Second, 503, "Retry-After", "60"),
		"429": answers(10*time.Second, 429, "Retry-After", "1"),
		"408": answers(10*time.Second, 408),
		"400, but temporary": {
			func() (*http.Response, error) { return refuse(400, "temporarily_unavailable") }, 10 * time.Second,
		},
		"reset":   fails(10*time.Second, syscall.ECONNRESET),
		"closed":  fails(10*time.Second, io.EOF),
		"unknown": fails(10*time.Second, errors.New("strange")),
		"a pending that breaks off": {func() (*http.Response, error) {
			a := faulttest.Answer(400, "")
			a.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"error":"authoriz`),
				iotest.ErrReader(io.ErrUnexpectedEOF)))
			return a, nil
		}, 10 * time.Second},
		"hangs": {func() (*http.Response, error) {
			time.Sleep(31 * time.Second)
			return nil, io.EOF
		}, 40 * time.Second},
	}
}

// A network that fails while the person enters the code does no harm.
func TestF26BlipsBetweenPolls(t *testing.T) {
	t.Parallel()
	for name, tt := range blips() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s, err := deviceSource(t, device(codeAnswer, tt.answer, granted))
				if err != nil || time.Since(began) != tt.after {
					t.Fatalf("after %v, want %v: %v", time.Since(began), tt.after, err)
				}
				if token, err := s.Token(); err != nil || token.AccessToken != faulttest.Bearer+"-0" {
					t.Error(err)
				}
			})
		})
	}
}

// What ends the wait for a person.
func TestF26NoMorePolls(t *testing.T) {
	t.Parallel()
	broken := func() (*http.Response, error) {
		a := faulttest.Answer(200, "")
		a.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
		return a, nil
	}
	refuses := func(code string) reply { return reply{func() (*http.Response, error) { return refuse(400, code) }} }
	for name, tt := range map[string]struct {
		code  string // the first answer
		poll  reply
		text  string
		is    string // Error.Code
		after time.Duration
	}{
		"broken off": {
			codeAnswer, reply{broken}, "the answer broke off, and the code is spent: start again", "", 5 * time.Second,
		},
		"declined": {
			codeAnswer, refuses("authorization_declined"), "400 Bad Request: authorization_declined (AADSTS70016)",
			"authorization_declined", 5 * time.Second,
		},
		"expired, it says": {
			codeAnswer, refuses("expired_token"), "400 Bad Request: expired_token (AADSTS70016)", "expired_token",
			5 * time.Second,
		},
		"expired": {
			codeAnswer, reply{pending}, "the code expired before anybody entered it", "expired_token", 15 * time.Minute,
		},
		"expired, and asked to wait": {
			codeAnswer,
			reply{func() (*http.Response, error) {
				return faulttest.Answer(503, "", "Retry-After", "3600"), nil
			}},
			"the code expired before anybody entered it", "expired_token", 15 * time.Minute,
		},
		"no expiry": {
			strings.Replace(codeAnswer, `"expires_in":900,`, "", 1),
			reply{pending},
			"the code expired before anybody entered it", "expired_token", 15 * time.Minute,
		},
		"a long time": {
			strings.Replace(codeAnswer, `900`, "99999999999", 1),
			reply{pending},
			"the code expired before anybody entered it", "expired_token", 15 * time.Minute,
		},
		"a long interval": {
			strings.Replace(codeAnswer, `"interval":5`, `"interval":9223372036854775807`, 1), refuses("access_denied"),
			"400 Bad Request: access_denied (AADSTS70016)", "access_denied", time.Minute,
		},
		"no interval": {
			strings.Replace(codeAnswer, `"interval":5`, `"interval":-5`, 1), refuses("access_denied"),
			"400 Bad Request: access_denied (AADSTS70016)", "access_denied", 5 * time.Second,
		},
		"no code":  {`{"expires_in":900}`, reply{pending}, "the answer holds no code", "", 0},
		"null":     {`null`, reply{pending}, "the answer is empty", "", 0},
		"not JSON": {faulttest.ClientSecret, reply{pending}, "the answer can't be read", "", 0},
		"a page":   {`<html>`, reply{pending}, "200 OK: a page of HTML, perhaps of a proxy", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s, err := deviceSource(t, device(tt.code, tt.poll.give))
				e := faulttest.Error(t, err)
				if s != nil || err.Error() != "vpptoken: signIn: "+tt.text || e.Code != tt.is ||
					!errors.Is(err, vpptoken.ErrSignIn) || time.Since(began) != tt.after {
					t.Errorf("after %v: %v (%q), want %q (%q) after %v",
						time.Since(began), err, e.Code, tt.text, tt.is, tt.after)
				}
				leaktest.ShowsNoSecret(t, err)
			})
		})
	}
}

// The context ends the wait at once.
func TestDeviceSourceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	hang := func() (*http.Response, error) {
		time.Sleep(time.Hour)
		return nil, io.EOF
	}
	for name, tt := range map[string]struct {
		a     func() *authority
		after time.Duration
	}{
		"asking for a code": {func() *authority {
			return &authority{answer: func(int, url.Values) (*http.Response, error) { return hang() }}
		}, time.Second},
		"between polls": {func() *authority { return device(codeAnswer, pending) }, 7 * time.Second},
		"in a poll":     {func() *authority { return device(codeAnswer, hang) }, 7 * time.Second},
	} {
		for _, ends := range []error{context.Canceled, context.DeadlineExceeded} {
			t.Run(name+"/"+ends.Error(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(tt.a().in(t.Context()))
					if ends == context.DeadlineExceeded { //nolint:errorlint // the very value
						ctx, cancel = context.WithTimeout(ctx, tt.after)
					} else {
						time.AfterFunc(tt.after, cancel)
					}
					defer cancel()
					began := time.Now()
					s, err := vpptoken.CloudGlobal.DeviceSource(ctx, "contoso.example", "client-id",
						func(*oauth2.DeviceAuthResponse) {})
					if s != nil || !errors.Is(err, ends) || time.Since(began) != tt.after {
						t.Errorf("after %v: %v", time.Since(began), err)
					}
					faulttest.WantError(t, err)
					time.Sleep(2 * time.Hour)
				})
			})
		}
	}
}

// An authority that does not answer holds nobody for longer than a sign-in may take.
func TestR19CodeThatNeverComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(int, url.Values) (*http.Response, error) {
			time.Sleep(time.Hour)
			return nil, io.EOF
		}}
		began := time.Now()
		s, err := deviceSource(t, a)
		if e := faulttest.Error(t, err); s != nil || time.Since(began) != 30*time.Second ||
			!errors.Is(err, vpptoken.ErrSignIn) || errors.Is(err, context.DeadlineExceeded) ||
			!vpptoken.Retryable(err) {
			t.Errorf("after %v: %+v (%v)", time.Since(began), *e, err)
		}
		time.Sleep(time.Hour)
	})
}

// A refresh token that is refused means that the person has to sign in again; one that never came,
// too.
func TestDeviceSourceCannotRefresh(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first func() (*http.Response, error)
		text  string
		code  string
	}{
		"refused": {granted, "400 Bad Request: invalid_grant (AADSTS70016)", "invalid_grant"},
		"none": {
			func() (*http.Response, error) { return grant(0) },
			"the access token expired and there is no refresh token: sign in again", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := device(codeAnswer, tt.first,
					func() (*http.Response, error) { return refuse(400, "invalid_grant") })
				s, err := deviceSource(t, a)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				_, err = s.TokenContext(a.in(t.Context()), "")
				e := faulttest.Error(t, err)
				if err.Error() != "vpptoken: signIn: "+tt.text || e.Code != tt.code || vpptoken.Retryable(err) {
					t.Errorf("%v (%q)", err, e.Code)
				}
				leaktest.ShowsNoSecret(t, err)
			})
		})
	}
}

func TestDeviceSourceNeedsSomebody(t *testing.T) {
	t.Parallel()
	show := func(*oauth2.DeviceAuthResponse) { t.Error("a code is shown") }
	var none context.Context
	for name, make := range map[string]func() (*vpptoken.Source, error){
		"nil show": func() (*vpptoken.Source, error) {
			return vpptoken.CloudGlobal.DeviceSource(t.Context(), "contoso.example", "id", nil)
		},
		"nil context": func() (*vpptoken.Source, error) {
			return vpptoken.CloudGlobal.DeviceSource(none, "contoso.example", "id", show)
		},
		"tenant with a slash": func() (*vpptoken.Source, error) {
			return vpptoken.CloudGlobal.DeviceSource(t.Context(), "a/b", "id", show)
		},
		"no client": func() (*vpptoken.Source, error) {
			return vpptoken.CloudGlobal.DeviceSource(t.Context(), "contoso.example", "", show)
		},
		"zero cloud": func() (*vpptoken.Source, error) {
			return vpptoken.Cloud{}.DeviceSource(t.Context(), "contoso.example", "id", show)
		},
	} {
		if s, err := make(); s != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A person signs in on another device.
func ExampleCloud_DeviceSource() {
	ctx := context.Background()
	tenant, clientID := "contoso.example", "client-id"

	source, err := vpptoken.CloudGlobal.DeviceSource(ctx, tenant, clientID, func(code *oauth2.DeviceAuthResponse) {
		fmt.Println("open", code.VerificationURI, "and enter", code.UserCode)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := vpptoken.NewClient(source)
	fmt.Println(client, err)
}
