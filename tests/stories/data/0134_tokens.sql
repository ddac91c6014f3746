insert into organization_tokens (organization_id, token_hash, name, scopes, last_characters, created_at) select id, sha256('organization token'), 'ci', '{org:ci}', 'beef', now() from organizations;
