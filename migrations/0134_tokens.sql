-- Null: all that its user may do, as of tokens from before there were scopes.
alter table api_tokens add column scopes text[];
alter table api_tokens add column last_used_at timestamptz;
-- How a token ends, to be told from others.
alter table api_tokens add column last_characters text not null default '';

create table organization_tokens (
    id              bigint generated always as identity primary key,
    organization_id bigint      not null references organizations on delete cascade,
    token_hash      bytea       not null unique,
    name            text        not null,
    scopes          text[]      not null,
    last_characters text        not null,
    created_by      bigint      references users on delete set null,
    created_at      timestamptz not null,
    last_used_at    timestamptz,
    expires_at      timestamptz
);
create index organization_tokens_by_organization on organization_tokens (organization_id);
create index organization_tokens_by_creator on organization_tokens (created_by);
