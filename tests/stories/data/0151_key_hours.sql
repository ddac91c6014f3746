insert into key_hours (public_key, hour, accepted, filtered, dropped) select public_key, date_trunc('hour', now()), 7, 1, 2 from project_keys;
