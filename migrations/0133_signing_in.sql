alter table sessions add column id bigint generated always as identity unique;
alter table sessions add column user_agent text not null default '';
alter table sessions add column address text not null default '';
alter table sessions add column used_at timestamptz;

-- Failures to sign in, by account and by address; each makes the next wait longer.
create table sign_in_attempts (
    subject       text primary key,
    failures      integer     not null,
    last_at       timestamptz not null,
    blocked_until timestamptz not null
);
create index sign_in_attempts_by_time on sign_in_attempts (last_at);

-- Links that set a password. Only the SHA-256 of their secret is kept.
create table password_resets (
    token_hash bytea primary key,
    user_id    bigint      not null references users on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index password_resets_by_user on password_resets (user_id);
