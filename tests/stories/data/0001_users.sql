insert into users (email, password_hash, is_superuser) values ('ada@example.com', '$argon2id$', true), ('grace@example.com', null, false);
insert into sessions (token_hash, user_id, created_at, expires_at) select 'a', id, now(), now() from users limit 1;
insert into api_tokens (token_hash, user_id, name, created_at) select 't', id, 'ci', now() from users limit 1;
