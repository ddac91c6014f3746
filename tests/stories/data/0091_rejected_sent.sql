update rejected_events set sent = '{"from": "2001:db8::7", "headers": [["user-agent", "\u0000"]]}';
