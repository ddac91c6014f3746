// A shop's checkout that fails: reports to the DSN given and prints the event's id.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/getsentry/sentry-go"
)

func checkout() error {
	return errors.New("the basket is empty")
}

func main() {
	err := sentry.Init(sentry.ClientOptions{Dsn: os.Args[1], Release: "shop@1.2.3", Environment: "demo", AttachStacktrace: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sentry.ConfigureScope(func(scope *sentry.Scope) {
		scope.SetTag("page", "checkout")
		scope.SetUser(sentry.User{ID: "42", Email: "grace@example.com"})
		scope.AddAttachment(&sentry.Attachment{Filename: "cart.txt", ContentType: "text/plain", Payload: []byte("umbrella")})
	})
	sentry.AddBreadcrumb(&sentry.Breadcrumb{Category: "cart", Message: "the basket was emptied", Level: sentry.LevelInfo})
	fmt.Println(*sentry.CaptureException(checkout()))
	sentry.ConfigureScope(func(scope *sentry.Scope) { scope.ClearAttachments() })
	sentry.CaptureCheckIn(&sentry.CheckIn{MonitorSlug: "backup", Status: sentry.CheckInStatusOK}, nil)
	sentry.Flush(20 * time.Second)
}
