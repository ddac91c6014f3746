insert into channels (organization_id, kind, name, config, secrets, created_at, is_configured)
select id, 'mail', 'configured', '{"addresses": "ops@example.com"}', '', now(), true from organizations;
