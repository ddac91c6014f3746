// A shop's checkout that fails: reports all that the SDK can to the DSN given, and prints the error's id.
//
// With a number behind the DSN it reports so many errors instead, one after the other, waits for each answer, and checks in.
package shop;

import io.sentry.Attachment;
import io.sentry.Breadcrumb;
import io.sentry.CheckIn;
import io.sentry.CheckInStatus;
import io.sentry.Sentry;
import io.sentry.SentryLevel;
import io.sentry.UserFeedback;
import io.sentry.protocol.Feedback;
import io.sentry.protocol.SentryId;
import io.sentry.protocol.User;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.NoSuchElementException;

public final class Report {
    private static final long PATIENCE = 20_000;

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

    static SentryId fail(String basket) {
        try {
            checkout(basket);
            throw new AssertionError("nothing failed");
        } catch (IllegalStateException error) {
            return Sentry.captureException(error, scope -> {
                if (basket.equals("basket")) {
                    scope.addAttachment(new Attachment("umbrella".getBytes(StandardCharsets.UTF_8), "cart.txt", "text/plain"));
                }
            });
        }
    }

    static void reportAll() {
        Sentry.configureScope(scope -> {
            User user = new User();
            user.setId("42");
            user.setEmail("grace@example.com");
            scope.setUser(user);
            scope.setTag("page", "checkout");
            scope.setExtra("ordered", "umbrella");
            scope.setContexts("shop", Map.of("region", "eu"));
        });
        Breadcrumb breadcrumb = new Breadcrumb("the basket was emptied");
        breadcrumb.setCategory("cart");
        breadcrumb.setLevel(SentryLevel.INFO);
        Sentry.addBreadcrumb(breadcrumb);
        SentryId id = fail("basket");
        Sentry.captureMessage("the checkout is closed", SentryLevel.WARNING);
        Feedback feedback = new Feedback("it does not work");
        feedback.setName("Grace");
        feedback.setContactEmail("grace@example.com");
        feedback.setAssociatedEventId(id);
        Sentry.captureFeedback(feedback);
        Sentry.captureUserFeedback(new UserFeedback(id, "Grace", "grace@example.com", "it did not work either"));
        Sentry.startTransaction("restock", "task").finish();
        System.out.println(id);
    }

    public static void main(String[] arguments) {
        Sentry.init(options -> {
            options.setDsn(arguments[0]);
            options.setRelease("shop@1.2.3");
            options.setDist("42");
            options.setEnvironment("demo");
            options.setTracesSampleRate(1.0);
            options.addInAppInclude("shop");
        });
        Sentry.startSession();
        if (arguments.length == 1) {
            reportAll();
        } else {
            for (int number = 0; number < Integer.parseInt(arguments[1]); number++) {
                fail("basket " + number);
                Sentry.flush(PATIENCE);
            }
        }
        Sentry.captureCheckIn(new CheckIn("backup", CheckInStatus.OK));
        Sentry.endSession();
        Sentry.flush(PATIENCE);
        Sentry.close();
    }
}
