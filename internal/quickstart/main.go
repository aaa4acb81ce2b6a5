// Quickstart is the README's first program, here so that it compiles and runs.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/vpptoken/vpptoken"
)

var cloud = vpptoken.CloudGlobal // or CloudUSGovernment, CloudChina, ...

func main() {
	ctx := context.Background()
	source, err := cloud.AppSource(os.Getenv("TENANT_ID"), os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := vpptoken.NewClient(source)
	if err != nil {
		log.Fatal(err)
	}
	want := vpptoken.NewPatch().SetAutomaticallyUpdateApps(true)
	for token, err := range client.List(ctx) {
		if err != nil {
			log.Fatal(err) // comes last: a part of a list is never taken for all of it
		}
		if change := want.Diff(token); !change.IsEmpty() {
			_, err := client.Update(ctx, token.ID, change)
			fmt.Println(token.DisplayName, err)
		}
	}
}
