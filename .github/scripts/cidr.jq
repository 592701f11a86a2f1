# IPv4 addresses and CIDR blocks.
def is_address: test("^([0-9]{1,3}\\.){3}[0-9]{1,3}$");
def to_number: split(".") | map(tonumber) | reduce .[] as $byte (0; . * 256 + $byte);
def range_of: split("/") | (.[0] | to_number) as $base | pow(2; 32 - (.[1] | tonumber)) as $size |
  (($base / $size | floor) * $size) as $first | [$first, $first + $size - 1];
def contains_address($address): range_of as [$first, $last] | ($address | to_number) | . >= $first and . <= $last;
def overlaps($other): range_of as [$a, $b] | ($other | range_of) as [$c, $d] | $a <= $d and $c <= $b;
def prefix_length: split("/")[1] | tonumber;
