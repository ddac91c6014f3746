// The same failing checkout, reported by the SDK that Java applications used before 2020.
//
// With a number behind the DSN it reports so many errors instead, one after the other.
package shop;

import io.sentry.Sentry;
import io.sentry.SentryClient;
import io.sentry.event.Breadcrumb;
import io.sentry.event.BreadcrumbBuilder;
import io.sentry.event.Event;
import io.sentry.event.EventBuilder;
import io.sentry.event.UserBuilder;
import io.sentry.event.interfaces.ExceptionInterface;
import java.util.NoSuchElementException;

public final class Report {
    static void take(String item) {
        throw new NoSuchElementException("no " + item + " is left");
    }

    static void checkout(String basket) {
        try {
            take("umbrella");
        } catch (NoSuchElementException cause) {
            throw new IllegalStateException("the " + basket + " is empty", cause);
        }
    }

    static Event fail(SentryClient client, String basket) {
        try {
            checkout(basket);
            throw new AssertionError("nothing failed");
        } catch (IllegalStateException error) {
            EventBuilder event = new EventBuilder()
                .withMessage(error.getMessage())
                .withLevel(Event.Level.ERROR)
                .withSentryInterface(new ExceptionInterface(error));
            client.sendEvent(event);
            return event.getEvent();
        }
    }

    static void reportAll(SentryClient client) {
        client.getContext().setUser(new UserBuilder().setId("42").setEmail("grace@example.com").build());
        client.getContext().addTag("page", "checkout");
        client.getContext().addExtra("ordered", "umbrella");
        client.getContext().recordBreadcrumb(
            new BreadcrumbBuilder().setCategory("cart").setMessage("the basket was emptied").setLevel(Breadcrumb.Level.INFO).build());
        System.out.println(fail(client, "basket").getId().toString().replace("-", ""));
        client.sendEvent(new EventBuilder().withMessage("the checkout is closed").withLevel(Event.Level.WARNING));
    }

    public static void main(String[] arguments) {
        SentryClient client = Sentry.init(arguments[0] + "?async=false&stacktrace.app.packages=shop");
        client.setRelease("shop@1.2.3");
        client.setDist("42");
        client.setEnvironment("demo");
        if (arguments.length == 1) {
            reportAll(client);
        } else {
            for (int number = 0; number < Integer.parseInt(arguments[1]); number++) {
                fail(client, "basket " + number);
            }
        }
        Sentry.close();
    }
}
