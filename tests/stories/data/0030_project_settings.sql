update projects set settings = '{"filters": {"localhost": true}, "privacy": {"sensitive_fields": ["ticket"]}}';
update organizations set privacy = '{"scrub_addresses": true}';
