package renew

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken/contenttoken"
)

// A plan's digest is a salt for this plan alone, then the hash of the file's text keyed with the
// salt, then the hash of the decisions keyed with the first hash. The first hash shows whether a
// file is the plan's and gives nothing away: the text holds a long random token of Apple's. The
// second one finds a plan that was changed or mixed up, before anything is sent. It guards against
// mistakes only: whoever changes a plan on purpose can compute it anew.
const (
	saltSize   = 32
	digestSize = saltSize + 2*sha256.Size
)

func (p *Plan) seal(ct *contenttoken.ContentToken) error {
	digest := make([]byte, saltSize, digestSize)
	_, _ = rand.Read(digest) // never fails
	digest = append(digest, hash(digest, ct.Secret().Reveal())...)
	decided, err := p.decided()
	if err != nil {
		return err
	}
	digest = append(digest, hash(digest[saltSize:], decided)...)
	p.digest = base64.RawURLEncoding.EncodeToString(digest)
	return nil
}

func hash(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// decided returns what no step changes.
func (p *Plan) decided() (string, error) {
	kept, err := json.Marshal(p.options)
	if err != nil {
		return "", fmt.Errorf("renew: the plan's options: %w", err)
	}
	return fmt.Sprintf("%q %q %q %s %t %q %q %s", p.TokenID, p.OrganizationName, p.Location,
		p.ExpirationDateTime.UTC().Format(time.RFC3339Nano), p.NeedsApply,
		p.Before.State, p.Before.LocationName, kept), nil
}

// parts splits what seal put together, and reports whether it is complete.
func (p *Plan) parts() (salt, file, decided []byte, whole bool) {
	digest, err := base64.RawURLEncoding.DecodeString(p.digest)
	if err != nil || len(digest) != digestSize {
		return nil, nil, nil, false
	}
	return digest[:saltSize], digest[saltSize : saltSize+sha256.Size], digest[saltSize+sha256.Size:], true
}

func (p *Plan) isWhole() bool {
	_, _, _, whole := p.parts()
	return whole
}

// isSealed reports whether the plan's digest matches it.
func (p *Plan) isSealed() bool {
	_, file, want, whole := p.parts()
	decided, err := p.decided()
	return whole && err == nil && hmac.Equal(want, hash(file, decided))
}

// isOf reports whether ct has the text that the plan was made for.
func (p *Plan) isOf(ct *contenttoken.ContentToken) bool {
	salt, file, _, whole := p.parts()
	return whole && hmac.Equal(file, hash(salt, ct.Secret().Reveal()))
}
