insert into items (project_id, id, received_on, received_at, kind, event_id, headers, body, size, in_store, sha1)
select e.project_id, gen_random_uuid(), current_date, now(), 'attachment', e.id, '{"type": "attachment"}', '', 5000, true, '\x00'
from events e;
