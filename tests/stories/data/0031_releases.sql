insert into releases (project_id, version, package, numbers, pre, created_at, first_seen, last_seen)
select id, 'shop@1.2.3', 'shop', '{1,2,3,0}', '', now(), now(), now() from projects;
