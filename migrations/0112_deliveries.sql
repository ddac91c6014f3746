-- What is to be told to whom: a row for each rule, event and channel, written with the event.
create table deliveries (
    project_id  bigint      not null,
    -- Made of rule, event, channel and person, so that there is one; the other side is given it.
    id          uuid        not null,
    rule_id     bigint      not null,
    event_id    uuid        not null,
    issue_id    bigint      not null,
    -- 0 where a person is told by mail.
    channel_id  bigint      not null,
    -- 0 where a channel is told.
    user_id     bigint      not null,
    -- 0 new, 1 regressed, 2 unignored, 3 happened, 4 resolved.
    news        smallint    not null,
    created_at  timestamptz not null,
    -- 0 waiting, 1 told, 2 given up, 3 told in a digest.
    state       smallint    not null default 0,
    attempts    integer     not null default 0,
    -- When it is tried next, or when a worker that took it counts as dead; null when that is over.
    due_at      timestamptz,
    -- Those that are told together have the digest's id.
    digest_id   uuid,
    finished_at timestamptz,
    -- Why it was not taken the last time, as a code and in the other side's words.
    code        text        not null default '',
    said        text        not null default '',
    primary key (project_id, id)
) with (fillfactor = 80);
create index deliveries_due on deliveries (channel_id, user_id, due_at) where due_at is not null;
create index deliveries_by_rule on deliveries (project_id, rule_id, created_at desc);
create index deliveries_by_age on deliveries (created_at);

-- How much a channel, or a person by mail, may still be told.
create table delivery_lanes (
    channel_id     bigint           not null,
    user_id        bigint           not null,
    tokens         double precision not null,
    refilled_at    timestamptz      not null,
    -- While too much comes: when all of it is told at once, and how long to collect.
    digest_at      timestamptz,
    digest_seconds integer          not null default 0,
    -- Failures in a row, and when it is tried again.
    failures       integer          not null default 0,
    not_before     timestamptz,
    primary key (channel_id, user_id)
);

-- Issues that a channel was told of and is to be told that they are resolved.
create table incidents (
    project_id bigint      not null,
    issue_id   bigint      not null,
    channel_id bigint      not null references channels on delete cascade,
    rule_id    bigint      not null,
    opened_at  timestamptz not null,
    primary key (project_id, issue_id, channel_id)
);
create index incidents_by_channel on incidents (channel_id);
