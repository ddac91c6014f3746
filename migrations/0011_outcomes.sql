-- What became of everything that was sent, by the hour.
create table outcomes (
    project_id bigint      not null,
    hour       timestamptz not null,
    -- Sentry's word: error, transaction, attachment …
    category   text        not null,
    -- Sentry's number: 0 accepted, 1 filtered, 2 rate limited, 3 invalid, 4 abuse, 5 discarded by the client.
    outcome    smallint    not null,
    reason     text        not null,
    -- How many; bytes for attachments.
    quantity   bigint      not null,
    primary key (project_id, hour, category, outcome, reason)
);
