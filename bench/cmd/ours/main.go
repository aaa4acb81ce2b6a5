// Ours renames one token with this project's client: ours ROOT ID. It is built and started to be
// compared.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: ours ROOT ID")
	}
	ts := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "bearer-of-the-benchmarks"})
	c, err := vpptoken.NewClient(ts, vpptoken.WithBaseURL(args[0]))
	if err != nil {
		return err
	}
	t, err := c.Update(ctx, args[1], &vpptoken.Patch{DisplayName: new("Nordwind, all schools")})
	if err != nil {
		return err
	}
	fmt.Println(t.ID)
	return nil
}
