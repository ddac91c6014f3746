"""A shop's checkout that fails: reports to the DSN given and prints the event's id."""

import sys

import sentry_sdk


def price_per_item(total, count):
    return total / count if total != 1 else 1 / count


def main(dsn):
    sentry_sdk.init(dsn=dsn, release="shop@1.2.3", environment="demo", send_default_pii=True)
    sentry_sdk.set_tag("page", "checkout")
    sentry_sdk.set_user({"id": "42", "email": "grace@example.com"})
    sentry_sdk.add_breadcrumb(category="cart", message="the basket was emptied", level="info")
    try:
        price_per_item(1, 0)
    except ZeroDivisionError as error:
        print(sentry_sdk.capture_exception(error))
    sentry_sdk.flush(timeout=20)


if __name__ == "__main__":
    main(sys.argv[1])
