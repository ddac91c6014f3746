-- One row per bug. Keys start with project_id, so that the schema can be distributed by project.
create sequence issue_ids as bigint;

create table issues (
    project_id bigint      not null,
    id         bigint      not null,
    short_id   bigint      not null,
    title      text        not null,
    culprit    text        not null,
    kind       text        not null,
    level      smallint    not null,
    platform   text        not null,
    status     smallint    not null default 0,
    first_seen timestamptz not null,
    last_seen  timestamptz not null,
    times_seen bigint      not null default 0,
    primary key (project_id, id)
);
create index issues_by_last_seen on issues (project_id, status, last_seen desc, id desc);
create unique index issues_short_id_key on issues (project_id, short_id);

-- Which issue a fingerprint belongs to: several fingerprints of one issue once issues are merged.
create table issue_hashes (
    project_id  bigint not null,
    fingerprint bytea  not null check (octet_length(fingerprint) = 16),
    issue_id    bigint not null,
    primary key (project_id, fingerprint)
);
create index issue_hashes_by_issue on issue_hashes (project_id, issue_id);

-- Events per issue and hour: the sparklines.
create table issue_hours (
    project_id bigint      not null,
    issue_id   bigint      not null,
    hour       timestamptz not null,
    events     bigint      not null,
    primary key (project_id, issue_id, hour)
);
