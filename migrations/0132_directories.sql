-- What people are called in a directory, and sign in with as well as with their email.
alter table users add column username text;
create unique index users_username_key on users (lower(username));

-- Who is who in a directory.
create table identities (
    id         bigint generated always as identity primary key,
    directory  text        not null,
    -- The username of the entry, in lower case: DNs change when people move.
    key        text        not null,
    dn         text        not null,
    user_id    bigint      not null references users on delete cascade,
    seen_at    timestamptz not null,
    -- Since when the directory does not let them in any more.
    gone_since timestamptz,
    unique (directory, key)
);
create index identities_by_user on identities (user_id);

-- Null where a person decided; the directory's name where it does, and may take it back.
alter table members add column managed_by text;
alter table team_members add column managed_by text;
alter table users add column superuser_by text;

-- The groups somebody was in when the directory was last asked, for as long as its cache lasts.
create table directory_groups (
    directory text        not null,
    dn        text        not null,
    groups    jsonb       not null,
    asked_at  timestamptz not null,
    primary key (directory, dn)
);
