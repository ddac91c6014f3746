// A shop's checkout that fails: reports all that the SDK can to the DSN given, and prints the error's id.
//
// With a number behind the DSN it reports so many errors instead, one after the other, waits for each answer, and checks in.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/getsentry/sentry-go"
)

const patience = 20 * time.Second

func checkout(basket string) *sentry.EventID {
	err := fmt.Errorf("the %s is empty: %w", basket, errors.New("no umbrella is left"))
	return sentry.CaptureException(err)
}

func reportAll() {
	sentry.ConfigureScope(func(scope *sentry.Scope) {
		scope.SetTag("page", "checkout")
		scope.SetUser(sentry.User{ID: "42", Email: "grace@example.com"})
		scope.SetContext("shop", sentry.Context{"region": "eu"})
	})
	sentry.AddBreadcrumb(&sentry.Breadcrumb{Category: "cart", Message: "the basket was emptied", Level: sentry.LevelInfo})
	sentry.WithScope(func(scope *sentry.Scope) {
		scope.AddAttachment(&sentry.Attachment{Filename: "cart.txt", ContentType: "text/plain", Payload: []byte("umbrella")})
		fmt.Println(*checkout("basket"))
	})
	sentry.WithScope(func(scope *sentry.Scope) {
		scope.SetLevel(sentry.LevelWarning)
		sentry.CaptureMessage("the checkout is closed")
	})
	sentry.StartTransaction(context.Background(), "restock", sentry.WithOpName("task")).Finish()
}

func main() {
	err := sentry.Init(sentry.ClientOptions{
		Dsn: os.Args[1], Release: "shop@1.2.3", Dist: "42", Environment: "demo", AttachStacktrace: true,
		EnableTracing: true, TracesSampleRate: 1,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) == 2 {
		reportAll()
	} else {
		number, _ := strconv.Atoi(os.Args[2])
		for ; number > 0; number-- {
			checkout(fmt.Sprintf("basket %d", number))
			sentry.Flush(patience)
		}
	}
	sentry.CaptureCheckIn(&sentry.CheckIn{MonitorSlug: "backup", Status: sentry.CheckInStatusOK}, nil)
	sentry.Flush(patience)
}
