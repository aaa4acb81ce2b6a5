package contenttoken_test

import (
	"errors"
	"fmt"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// From the file to the patch that renews a token. Package renew does this and proves that it
// worked.
func ExampleReadFile() {
	ct, err := contenttoken.ReadFile("testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("organization:", ct.OrganizationName)
	fmt.Println("location:", ct.Location)
	fmt.Println("expires:", ct.ExpirationDateTime)
	fmt.Println("text:", ct.Secret())

	patch := vpptoken.NewPatch().SetToken(ct.Secret())
	fmt.Println("nothing to send:", patch.IsEmpty())
	// Output:
	// organization: Nordwind School District
	// location: Nordwind
	// expires: 2027-11-20 18:13:52 +0000 UTC
	// text: REDACTED
	// nothing to send: false
}

// A text that comes from a vault or a form needs no file.
func ExampleParse() {
	ct, err := contenttoken.Parse([]byte("\ufeffeyJ0b2tlbiI6ImV4YW1wbGUiLCJleHBEYXRlIjoiMjAyNy0xMS0yMFQxODoxMzo1MiswMDAwIiwib3JnTmFtZSI6Ik5vcmR3aW5kIn0=\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ct.OrganizationName, ct.ExpirationDateTime.Year())
	// Output: Nordwind 2027
}

// Every mix-up has an error of its own, whose text says what to do.
func ExampleParse_mixUp() {
	_, err := contenttoken.Parse(
		[]byte(`{"token":"example","expDate":"2027-11-20T18:13:52+0000","orgName":"Nordwind"}`))
	fmt.Println(errors.Is(err, contenttoken.ErrDecoded))
	fmt.Println(err)
	// Output:
	// true
	// contenttoken: this is the decoded JSON of a content token: give the .vpptoken file as Apple made it, still in base64
}
