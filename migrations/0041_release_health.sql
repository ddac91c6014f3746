-- How well releases run: counts and sets of sessions and users, by the hour the sessions began in.
create table health_hours (
    project_id  bigint      not null references projects on delete cascade,
    release     text        not null,
    -- Empty where the SDK names none.
    environment text        not null,
    hour        timestamptz not null,
    sessions    bigint      not null default 0,
    -- Those that SDKs counted themselves; single ones are in a set.
    errored     bigint      not null default 0,
    crashed     bigint      not null default 0,
    abnormal    bigint      not null default 0,
    unhandled   bigint      not null default 0,
    -- Sets as lists of hashes, and sketches where they are long: at most 4 KiB each.
    errored_sessions bytea  not null default '',
    users            bytea  not null default '',
    errored_users    bytea  not null default '',
    crashed_users    bytea  not null default '',
    abnormal_users   bytea  not null default '',
    unhandled_users  bytea  not null default '',
    primary key (project_id, release, environment, hour)
);
create index health_hours_by_hour on health_hours (project_id, hour);
