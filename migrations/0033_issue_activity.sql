-- What happened to an issue and who did it, by Sentry's words: set_resolved, set_regression …
create table issue_activity (
    project_id bigint      not null,
    issue_id   bigint      not null,
    id         bigint      generated always as identity,
    at         timestamptz not null,
    kind       text        not null,
    -- Null where nobody did it: an event or the clock.
    user_id    bigint,
    data       jsonb       not null default '{}',
    primary key (project_id, issue_id, id)
);
