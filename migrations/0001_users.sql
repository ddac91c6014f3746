-- People, and what they sign in with.
create table users (
    id            bigint generated always as identity primary key,
    email         text        not null check (email like '%_@_%'),
    name          text        not null default '',
    -- An argon2id PHC string; null for someone who signs in elsewhere.
    password_hash text,
    is_superuser  boolean     not null default false,
    is_active     boolean     not null default true,
    language      text        not null default 'en',
    timezone      text        not null default 'UTC',
    created_at    timestamptz not null default now()
);
create unique index users_email_key on users (lower(email));

-- A browser's session. Only the SHA-256 of its cookie is kept.
create table sessions (
    token_hash   bytea primary key,
    user_id      bigint      not null references users on delete cascade,
    created_at   timestamptz not null,
    expires_at   timestamptz not null
);
create index sessions_by_user on sessions (user_id);

-- Tokens of the Web API. Only the SHA-256 is kept.
create table api_tokens (
    id         bigint generated always as identity primary key,
    token_hash bytea       not null unique,
    user_id    bigint      not null references users on delete cascade,
    name       text        not null,
    created_at timestamptz not null,
    expires_at timestamptz
);
create index api_tokens_by_user on api_tokens (user_id);
