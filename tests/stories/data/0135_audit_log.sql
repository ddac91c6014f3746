insert into audit_log (organization_id, at, event, actor, address, target) select id, now(), 'team.create', 'ada@example.com', '192.0.2.1', 'checkout' from organizations;
