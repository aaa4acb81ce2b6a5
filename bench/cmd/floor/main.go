// Floor renames one token with the program written by hand: floor ROOT ID. It is built and started
// to be compared.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/bench/floor"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: floor ROOT ID")
	}
	c := floor.New(args[0], oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "bearer-of-the-benchmarks"}), nil)
	t, err := c.Update(ctx, args[1], &floor.Token{DisplayName: new("Nordwind, all schools")})
	if err != nil {
		return err
	}
	fmt.Println(*t.ID)
	return nil
}
