update alert_rules set on_return = false;
