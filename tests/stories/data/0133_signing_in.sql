insert into sign_in_attempts (subject, failures, last_at, blocked_until) values ('address 192.0.2.1', 3, now(), now() + interval '4 seconds');
insert into password_resets (token_hash, user_id, created_at, expires_at) select sha256('reset'), min(id), now(), now() + interval '1 hour' from users;
