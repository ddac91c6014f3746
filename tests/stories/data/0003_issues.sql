insert into issues (project_id, id, short_id, title, culprit, kind, level, platform, first_seen, last_seen, times_seen)
select p.id, nextval('issue_ids'), n, 'Gone: ' || n, 'shop.cart in add', 'error', 40, 'python', now(), now(), n
from projects p, generate_series(1, 100) n;
insert into issue_hashes (project_id, fingerprint, issue_id) select project_id, decode(md5(id::text), 'hex'), id from issues;
insert into issue_hours (project_id, issue_id, hour, events) select project_id, id, date_trunc('hour', now()), 1 from issues;
