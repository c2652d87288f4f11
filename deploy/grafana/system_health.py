"""Dashboard "System Health": is every process, store, queue and breaker well?"""

from grafana_foundation_sdk.builders.dashboard import Row

from panels import GREEN, RED, YELLOW, choice, frame, levels, lines, none_is_good, rows_of, states, tile

OF_SERVICE = 'service=~"$service"'
SERVED = f"http_server_request_duration_seconds_count{{{OF_SERVICE}}}"
FAILED = f'http_server_request_duration_seconds_count{{{OF_SERVICE},http_response_status_code=~"5.."}}'


def dashboard():
    return (
        frame("souk-health", "Processes, stores, queues and breakers of the shop.")
        .with_variable(choice("service", "Service", "label_values(db_client_connections, service)"))
        .with_row(Row("At a glance"))
        .with_panel(tile("Targets up", "Processes that Prometheus reaches. Anything below 100 % is a service that is down.",
                         'avg(up{job=~"souk.*"})', "percentunit", levels((None, RED), (1, GREEN)), decimals=0))
        .with_panel(tile("Broken invariants", "Violations that the audit found and that lasted, such as an order that is paid "
                         "without a payment. Each is a bug or a lost write: see the runbook.",
                         "sum(max by (invariant) (audit_violations)) or vector(0)", "short", none_is_good()))
        .with_panel(tile("Dead letters", "Messages that could not be applied and wait for a person, in the back office.",
                         "sum(max by (service, queue) (dead_letters))", "short", none_is_good()))
        .with_panel(tile("Oldest event", "Age of the oldest event that is committed and not published yet. Above a minute "
                         "the bus does not take events.", "max(outbox_oldest_seconds)", "s",
                         levels((None, GREEN), (10, YELLOW), (60, RED)), decimals=0))
        .with_panel(tile("Open breakers", "Circuit breakers that let no calls through.",
                         'sum(resilience4j_circuitbreaker_state{state=~"open|forced_open"})', "short", none_is_good()))
        .with_panel(tile("Stuck", "Orders without a decision about their stock, and payments without a word from their "
                         "provider, for over five minutes.", "max(orders_stuck) + max(payments_stuck)", "short", none_is_good()))
        .with_row(Row("Processes"))
        .with_panel(lines("CPU", "Processor time of each process; 100 % is one core.",
                          [("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}")], "percentunit", 8))
        .with_panel(lines("Memory", "Resident memory of each process.",
                          [("process_resident_memory_bytes", "{{instance}}")], "bytes", 8))
        .with_panel(lines("Open files and sockets", "File descriptors of each process. A line that only rises is a leak.",
                          [("process_open_fds", "{{instance}}")], "short", 8))
        .with_row(Row("Stores"))
        .with_panel(lines("Connections to stores", "Connections of each pool, used and idle. Used ones at their limit make "
                          "requests wait.", [(f"sum by (service, state) (db_client_connections{{{OF_SERVICE}}})",
                                              "{{service}} {{state}}")], many=True))
        .with_panel(lines("Redis hits", "Share of look-ups that found their key. Carts that expired since they were last "
                          "looked at are misses.",
                          [("max by (instance) (rate(redis_keyspace_hits_total[$__rate_interval])) / (max by (instance) "
                            "(rate(redis_keyspace_hits_total[$__rate_interval])) + max by (instance) "
                            "(rate(redis_keyspace_misses_total[$__rate_interval])))", "{{instance}}")],
                          "percentunit", most=1, only_with="Redis"))
        .with_row(Row("Events"))
        .with_panel(lines("Events waiting in outboxes", "Committed and not published yet. Rises while the bus is away, and "
                          "falls to zero afterwards: nothing is lost.",
                          [(f"outbox_pending{{{OF_SERVICE}}}", "{{service}}")], "short", height=11))
        .with_panel(lines("Queue depth", "Messages in RabbitMQ's queues. One that only rises has no consumer, or a slow one. "
                          "Without dead letters, and queues that end with their connection.",
                          [('sum by (queue) (rabbitmq_detailed_queue_messages{queue!~"amq\\\\..*|.*\\\\.dead"} or '
                            'rabbitmq_queue_messages{queue!~"amq\\\\..*|.*\\\\.dead"})', "{{queue}}")],
                          "short", height=11, many=True, only_with="RabbitMQ and its Prometheus plug-in"))
        .with_panel(lines("Events", "Published and applied a second, by service and outcome. 'duplicate' is harmless: the "
                          "inbox has seen it before.",
                          [(f"sum by (service, outcome) (rate(bus_events_total{{{OF_SERVICE}}}[$__rate_interval]))",
                            "{{service}} {{outcome}}")], "cps", 24, many=True))
        .with_row(Row("Calls between services"))
        .with_panel(states("Circuit breakers", "Each breaker by caller and callee. Red lets no calls through, yellow tries a few.",
                           f'max by (service, name) (resilience4j_circuitbreaker_state{{{OF_SERVICE},state=~"open|forced_open"}} '
                           f'* 2 or resilience4j_circuitbreaker_state{{{OF_SERVICE},state="half_open"}})',
                           "{{service}} → {{name}}", {0: ("closed", GREEN), 1: ("half open", YELLOW), 2: ("open", RED)}, height=13))
        .with_panel(lines("Calls that failed or were not let through", "By caller and callee, a second.",
                          [(f'sum by (service, name) (rate(resilience4j_circuitbreaker_calls_seconds_count{{{OF_SERVICE},'
                            'kind="failed"}[$__rate_interval])) + sum by (service, name) '
                            f"(rate(resilience4j_circuitbreaker_not_permitted_calls_total{{{OF_SERVICE}}}[$__rate_interval]))",
                            "{{service}} → {{name}}")], "cps", height=13, many=True))
        .with_panel(rows_of("Services", "Requests of the last minutes as each service saw them.",
                            [("Requests", f"sum by (service) (rate({SERVED}[$__rate_interval]))", "reqps"),
                             ("Errors", f"sum by (service) (rate({FAILED}[$__rate_interval])) or 0 * sum by (service) "
                              f"(rate({SERVED}[$__rate_interval]))", "reqps"),
                             ("p99", "histogram_quantile(0.99, sum by (service, le) (rate("
                              f"http_server_request_duration_seconds_bucket{{{OF_SERVICE}}}[$__rate_interval])))", "s"),
                             ("Oldest event", f"max by (service) (outbox_oldest_seconds{{{OF_SERVICE}}})", "s"),
                             ("Dead letters", f"sum by (service) (dead_letters{{{OF_SERVICE}}})", "short")],
                            "service", "Service", "p99"))
        .with_row(Row("Registry"))
        .with_panel(lines("Instances", "Instances in the registry, by status.",
                          [("max by (status) (eureka_instances)", "{{status}}")], "short", 12,
                          colors={"UP": GREEN, "DOWN": RED}))
        .with_panel(lines("Heartbeats", "Renewals of the last minute, and how few of them make the registry keep everybody.",
                          [("max(eureka_renews_last_minute)", "renewals"), ("max(eureka_renews_threshold)", "threshold")],
                          "short", 12))
    )
