-- How many errors were sent with a key, by the hour.
create table key_hours (
    public_key text        not null references project_keys on delete cascade,
    hour       timestamptz not null,
    -- Taken, refused by a filter, refused by a quota.
    accepted   bigint      not null,
    filtered   bigint      not null,
    dropped    bigint      not null,
    primary key (public_key, hour)
);
create index key_hours_by_hour on key_hours (hour);
