select make_item_partition(current_date);
insert into items (project_id, id, received_on, received_at, kind, event_id, headers, body)
select e.project_id, gen_random_uuid(), current_date, now(), 'attachment', e.id, '{"type": "attachment"}', '\x00' from events e;
