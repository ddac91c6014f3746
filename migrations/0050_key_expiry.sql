-- When a key that was replaced stops working; null for one that stays.
alter table project_keys add column expires_at timestamptz;
