#!/bin/bash
# Fills an empty shop with the sample catalogue. A shop that has products is left alone: its admins changed them.
set -euo pipefail
if [ "${LEAVE_EMPTY:-false}" = true ]; then
    echo "SOUK_EMPTY is true: the shop stays as it is."
    exit 0
fi
exec 3<>/dev/tcp/product/8082
printf 'GET /products?size=1 HTTP/1.1\r\nHost: product\r\nConnection: close\r\n\r\n' >&3
if ! grep -q '"total":0[,}]' <&3; then
    echo "The shop has products."
    exit 0
fi
for file in /catalogue/*.csv; do
    souk import --distributed "$file"
done
