# Judges what doctor.sh gathered: facts in, lines out.
include "cidr";

def ok($what): "✔ \($what)";
def bad($what; $mend): "✖ \($what)\n    \($mend)";
def unknown($what; $why): "? \($what): \($why)";

def in_use: [(.items? // .)[]? | select(."lifecycle-state" | IN("ACTIVE", "AVAILABLE", "CREATING", "UPDATING", "PROVISIONING"))] | first;

# look(FACT; $what; JUDGE): a fact that could not be read is a line of its own; JUDGE gets the data of one that could.
def look(fact; $what; judge):
  fact as $fact |
  if $fact == null then unknown($what; "what it depends on is missing")
  elif $fact.error then
    if $fact.error.status == 404 or $fact.error.code == "NoAccess" then unknown($what; "not permitted to look, or not there (\($fact.error.code))")
    else unknown($what; "\($fact.error.code): \($fact.error.message)") end
  else ($fact.data | judge) end;

# Whether rules of security lists or groups let TCP out to a place on a port. A place is an address or a service's label.
def lets($place; $port; $field): any(.[]?;
  (.[$field] as $block | $block == $place or $block == "0.0.0.0/0" or
    (try (($place | is_address) and ($block | contains_address($place))) catch false))
  and (.protocol == "all" or (.protocol == "6" and
    ((."tcp-options"."destination-port-range" // {min: 0, max: 65535}) | .min <= $port and .max >= $port))));

# The rule that a packet to an address takes: the one with the longest prefix.
def route_to($address): [.[]? | select(."destination-type" != "SERVICE_CIDR_BLOCK") |
  select(.destination | contains_address($address))] | sort_by(.destination | prefix_length) | last;

# Whether a dynamic group's rule takes in functions by what they are, and not one by its OCID.
def of_type: test("resource\\.type\\s*=\\s*'fnfunc'");

# Whether a VCN is attached to a DRG, whose route table for it leads on to an address.
def attached($facts; $attachments; $vcn; $whose; $address; $block; $drg):
  ([$attachments[] | select((."network-details".id // ."vcn-id") == $vcn)] | first) as $attachment |
  if $attachment == null or $attachment."lifecycle-state" != "ATTACHED" then
    bad("\($whose) is not attached to the DRG"; "oci network drg-attachment create --drg-id \($drg) --vcn-id \($vcn)")
  else ok("\($whose) is attached to the DRG"),
    look($facts."drg-routes"[$attachment."drg-route-table-id"]; "Routes of the DRG"; if route_to($address) then ok("\($whose): the DRG knows the way to \($address)")
      else bad("\($whose): the DRG's route table has no route to \($address)"; "oci network drg-route-rule add --drg-route-table-id \($attachment."drg-route-table-id") --route-rules '[{\"destination\": \"\($block)\", \"destinationType\": \"CIDR_BLOCK\", \"nextHopDrgAttachmentId\": \"<attachment of the other VCN>\"}]'") end)
  end;

. as $facts | .wanted as $want |
($facts.application.data | in_use) as $app |
(if $app then $facts.function.data else null end) as $fn |
([$facts.subnets // {} | .[].data // empty]) as $subnets |
([$facts.services.data[]? | select(.name | test("^All .* Services"; "i"))] | first) as $all_services |
($facts.bundle.data.host // "") as $host | ($facts.bundle.data.port // 5432 | tonumber) as $port |

# The function and its image
($facts.namespace.error | if . then bad("\($want.region) does not answer this user: \(.code): \(.message)"; "check OCI_CLI_USER, OCI_CLI_TENANCY, OCI_CLI_FINGERPRINT, OCI_CLI_KEY_CONTENT and OCI_CLI_REGION: oci os ns get")
  else ok("Credentials and region: \($want.region) answers") end),
look($facts.application; "Application"; if $app then ok("Application \($want.application), \($app.shape)")
  else bad("There is no application \($want.application) in the compartment"; "run .github/scripts/provision.sh, or set APPLICATION_NAME") end),
(if $app then look($facts.functions; "Function"; if in_use == null then bad("There is no function \($want.name) in the application"; "run .github/scripts/provision.sh")
  else look($facts.function; "Function"; if ."lifecycle-state" == "ACTIVE" then ok("Function \($want.name) is ACTIVE")
    else bad("The function is \(."lifecycle-state")"; "wait, or run .github/scripts/provision.sh") end) end) else empty end),
look($facts.repository; "Repository"; if in_use then ok("Repository \($want.repository) is in the function's compartment")
  else ($facts.repositories.data | in_use) as $elsewhere |
    if $elsewhere then bad("The repository is in another compartment (\($elsewhere."compartment-id"))\(if $elsewhere."compartment-id" | startswith("ocid1.tenancy.") then ", the root, where a push to a missing repository makes it" else "" end)";
      "oci artifacts container repository change-compartment --repository-id \($elsewhere.id) --compartment-id \($want.compartment)")
    else bad("There is no repository \($want.repository) in the compartment"; "run .github/scripts/provision.sh, or set REPOSITORY_NAME") end end),
(if $fn then
  (($fn.image // "") | split("/")[0]) as $registry |
  (if $registry == $want.registry or ($registry | contains($want.region)) or ($registry | test("^[a-z]{3}\\.ocir\\.io$")) then ok("The image is in a registry of the region: \($registry)")
    else bad("The image is in \($registry), and must be in the function's region"; "run .github/scripts/provision.sh with OCI_CLI_REGION=\($want.region)") end),
  look($facts.image; "Image"; if . == null then bad("The image \($fn."image-digest") is no longer in the registry"; "run .github/scripts/update.sh; and keep the digest that a function runs")
    else ok("Image \(.digest) is in the registry") end),
  look($facts.image; "Architecture"; if . == null then empty else
    ({GENERIC_X86: ["linux/amd64"], GENERIC_ARM: ["linux/arm64"], GENERIC_X86_ARM: ["linux/amd64", "linux/arm64"]}[$app.shape] // []) as $needed |
    (if ($needed - .platforms) == [] then ok("The image is for \($needed | join(" and ")), as \($app.shape) needs")
      else bad("The image is for \(.platforms | join(", ")), and \($app.shape) needs \($needed | join(" and "))"; "run .github/scripts/update.sh, which builds for the application's shape") end),
    (if (.platforms - $needed) == [] then ok("The manifest lists nothing else")
      else bad("The manifest lists \(.platforms - $needed | join(", ")) besides (unknown/unknown is an attestation)"; "build with --provenance=false --sbom=false, as .github/scripts/update.sh does") end) end)
 else empty end),

# The network between the function and Oracle's services
(if $app then ($facts.subnets // {} | to_entries[] | .key as $id | .value | look(.; "Subnet \($id)";
  . as $subnet | ."display-name" as $name | ."vcn-id" as $vcn |
  ok("Subnet \($name), \(."cidr-block")"),
  look($facts.routes[."route-table-id"]; "Routes of \($name)";
    ."route-rules" as $rules |
    ([$rules[]? | select(."destination-type" == "SERVICE_CIDR_BLOCK")] | first) as $service |
    ([$rules[]? | select(.destination == "0.0.0.0/0")] | first) as $world |
    (if $service == null then
        if $world then ok("\($name) reaches Oracle's services by 0.0.0.0/0 (\($world."network-entity-id" | split(".")[1])); there is no service gateway beside it")
        else bad("\($name) has no route to Oracle's services: the image cannot be pulled, nor the secret read";
          "oci network route-table update --rt-id \($subnet."route-table-id") --force --route-rules '<the present rules and> {\"destination\": \"\($all_services."cidr-block" // "all-…-services-in-oracle-services-network")\", \"destinationType\": \"SERVICE_CIDR_BLOCK\", \"networkEntityId\": \"<service gateway>\"}'") end
      else
        look($facts."service-gateways"[$vcn]; "Service gateway of \($name)";
          ([.[]? | select(.id == $service."network-entity-id")] | first) as $gateway |
          if $gateway == null then bad("The route of \($name) leads to a service gateway that is gone"; "oci network service-gateway create --compartment-id \($subnet."compartment-id") --vcn-id \($vcn) --services '[{\"serviceId\": \"\($all_services.id // "…")\"}]'")
          elif $gateway."block-traffic" then bad("The service gateway blocks its traffic"; "oci network service-gateway update --service-gateway-id \($gateway.id) --block-traffic false --force")
          elif any($gateway.services[]?; ."service-name" // "" | test("^All .* Services"; "i")) | not then
            bad("The service gateway carries \([$gateway.services[]?."service-name"] | join(", ")) alone, and the registry is not among them"; "oci network service-gateway update --service-gateway-id \($gateway.id) --force --services '[{\"serviceId\": \"\($all_services.id // "…")\"}]'")
          elif $service.destination | startswith("all-") | not then bad("The route of \($name) to the service gateway is for \($service.destination) alone"; "oci network route-table update --rt-id \($subnet."route-table-id"): destination \($all_services."cidr-block" // "all-…")")
          else ok("\($name) reaches Oracle's services by a service gateway for all of them\(if $world then "; 0.0.0.0/0 stands beside it" else "" end)") end) end)),
  ([$subnet."security-list-ids"[] | $facts.lists[.]]) as $lists |
  (if any($lists[]; .error != null) then unknown("Security lists of \($name)"; "not permitted to look")
   elif [$lists[].data."egress-security-rules"[]?] | lets($all_services."cidr-block" // "-"; 443; "destination") then ok("Security lists of \($name) let 443 out to Oracle's services")
   else bad("No security list of \($name) lets 443 out to Oracle's services: the image cannot be pulled";
     "oci network security-list update --security-list-id \($subnet."security-list-ids"[0]) --force --egress-security-rules '<the present rules and> {\"destination\": \"\($all_services."cidr-block" // "all-…")\", \"destinationType\": \"SERVICE_CIDR_BLOCK\", \"protocol\": \"6\", \"tcpOptions\": {\"destinationPortRange\": {\"min\": 443, \"max\": 443}}}'") end),
  look($facts.dhcp[$subnet."dhcp-options-id"]; "DHCP options of \($name)";
    ([.options[]? | select(.type == "DomainNameServer")] | first) as $dns |
    if $dns."server-type" == "CustomDnsServer" then unknown("DNS of \($name)"; "its own resolvers (\($dns."custom-dns-servers" // [] | join(", "))) must answer, or invokes fail with FunctionInvokeSubnetConfigError")
    else ok("DHCP options of \($name) are there, with OCI's resolver") end))) else empty end),
($facts.nsgs // {} | to_entries[] | .key as $id | .value | look(.; "Network security group \($id)";
  if [.[] | select(.direction == "EGRESS")] | lets($all_services."cidr-block" // "-"; 443; "destination") then ok("Network security group lets 443 out to Oracle's services")
  else bad("The network security group \($id) does not let 443 out to Oracle's services";
    "oci network nsg rules add --nsg-id \($id) --security-rules '[{\"direction\": \"EGRESS\", \"destination\": \"\($all_services."cidr-block" // "all-…")\", \"destinationType\": \"SERVICE_CIDR_BLOCK\", \"protocol\": \"6\", \"tcpOptions\": {\"destinationPortRange\": {\"min\": 443, \"max\": 443}}}]'") end)),

# Rights and configuration
([$facts.groups.data[]? | select((."matching-rule" | of_type and contains($want.compartment)) or ($fn != null and (."matching-rule" | contains($fn.id))))]) as $groups |
look($facts.groups; "Dynamic group"; if $groups == [] then bad("No dynamic group takes in functions of the compartment: the function has no rights"; "run .github/scripts/bootstrap.sh as an administrator")
  elif any($groups[]; ."matching-rule" | of_type) then ok("Dynamic group \($groups[0].name) takes in the compartment's functions")
  else bad("The dynamic group \($groups[0].name) names the function by its OCID, and forgets it when it is made anew"; "run .github/scripts/bootstrap.sh as an administrator") end),
([$facts.policies // {} | .[].data[]? | .statements[]?]) as $statements |
(if $facts.groups == null or $facts.groups.error then unknown("Policy"; "it names a dynamic group, and this user may not see those")
 else
  ([$statements[] | select(test("read\\s+secret-(bundles|family)|(use|manage)\\s+secret-family"; "i")) | . as $s |
    select(any($groups[].name; . as $name | $s | contains($name)) or ($s | test("any-user.*fnfunc")))]) as $reading |
  if $reading == [] and any($facts.policies[]?; .error) then unknown("Policy"; "not permitted to look at all of them")
  elif $reading == [] then bad("No policy lets the function read its secret"; "run .github/scripts/bootstrap.sh as an administrator")
  elif $want.secret != "" and all($reading[]; test("target\\.secret\\.id") and (contains($want.secret) | not)) then bad("The policy lets the function read another secret than DB_SECRET_OCID"; "run .github/scripts/bootstrap.sh as an administrator, with this DB_SECRET_OCID")
  else ok("A policy lets the function read its secret") end end),
(if any($statements[]; test("allow group .* manage (repos|all-resources) in tenancy"; "i")) then
  bad("A group may manage repositories in the whole tenancy: \([$statements[] | select(test("allow group .* manage (repos|all-resources) in tenancy"; "i"))][0])"; "run .github/scripts/bootstrap.sh, which limits it to the compartment; then delete that statement") else empty end),
look($facts.secret; "Secret"; if ."lifecycle-state" == "ACTIVE" then ok("The secret is ACTIVE") else bad("The secret is \(."lifecycle-state")"; "oci vault secret get --secret-id \($want.secret); choose another, or cancel its deletion") end),
look($facts.bundle; "Content of the secret"; (["host", "dbname", "username", "password"] - (.fields // [])) as $missing |
  if $missing == [] then ok("The secret is well-formed: \($host):\($port)")
  else bad("The secret lacks \($missing | join(", "))"; "oci vault secret update-base64 --secret-id \($want.secret) --secret-content-content \"$(base64 -w0 secret.json)\"") end),
(if $fn then
  ($fn.config // {}) as $has |
  ([$want.config | to_entries[] | select($has[.key] != .value) | if $has[.key] == null then "\(.key) is missing" else "\(.key) differs" end] +
   [$has | keys[] | select($want.config[.] == null) | "\(.) is not in func.yaml"] +
   (if $fn."memory-in-mbs" != $want.memory then ["memory is \($fn."memory-in-mbs")"] else [] end) +
   (if $fn."timeout-in-seconds" != $want.timeout then ["timeout is \($fn."timeout-in-seconds")"] else [] end)) as $drift |
  if $drift == [] then ok("The function's configuration is func.yaml's")
  else bad("The function's configuration is not func.yaml's: \($drift | join(", "))"; "run .github/scripts/provision.sh, which sets it whole") end else empty end),

# The way to the database
(if $subnets == [] then empty
 elif $facts.bundle.data == null then unknown("The way to the database"; "the secret says where it is, and may not be read by this user")
 elif $host | is_address | not then unknown("The way to the database"; "\($host) is a name; look where it leads from the function's subnet")
 else
  $subnets[0] as $subnet | $subnet."vcn-id" as $vcn |
  ([$facts.vcns[$vcn].data | ."cidr-blocks"[]?]) as $blocks |
  ([$facts."all-subnets".data[]? | select(."cidr-block" | contains_address($host))]) as $homes |
  ($homes | map(select(."vcn-id" != $vcn)) | first // ($homes | first)) as $home |
  (if any($blocks[]; contains_address($host)) and ($homes | all(."vcn-id" == $vcn)) then ok("\($host) is in the function's own VCN")
   else
    look($facts.routes[$subnet."route-table-id"]; "Route to the database"; (."route-rules" | route_to($host)) as $rule |
    (if $rule == null then bad("\($subnet."display-name") has no route to the database, \($host)"; "oci network route-table update --rt-id \($subnet."route-table-id") --force --route-rules '<the present rules and> {\"destination\": \"\($home."cidr-block" // "\($host)/32")\", \"destinationType\": \"CIDR_BLOCK\", \"networkEntityId\": \"<DRG>\"}'")
     else ok("\($subnet."display-name") has a route to \($host): \($rule.destination) by \($rule."network-entity-id" | split(".")[1])") end),
    (if $rule == null then empty
     elif $rule."network-entity-id" | startswith("ocid1.localpeeringgateway.") then
      look($facts.peerings; "Peering"; ([.[]? | select(.id == $rule."network-entity-id")] | first) as $peering |
        [$peering | ."peer-advertised-cidr-details"[]?, ."peer-advertised-cidr" | values] as $theirs |
        if $peering == null then unknown("Peering"; "not among those that this user may see")
        elif $peering."peering-status" != "PEERED" then bad("The peering gateway is \($peering."peering-status")"; "oci network local-peering-gateway connect --local-peering-gateway-id \($peering.id) --peer-id <the database VCN's gateway>")
        elif any($theirs[]; . as $block | any($blocks[]; overlaps($block))) then bad("The peered VCNs overlap: \($blocks | join(", ")) and \($theirs | unique | join(", "))"; "give one of them another CIDR block: oci network vcn add-vcn-cidr, then remove-vcn-cidr")
        else ok("The VCNs are peered, and do not overlap") end)
     elif $rule."network-entity-id" | startswith("ocid1.drg.") then
      $rule."network-entity-id" as $drg |
      look($facts.attachments; "Attachments of the DRG";
        ([.[]? | select(."drg-id" == $drg)]) as $attachments |
        ([$attachments[] | (."network-details".id // ."vcn-id")]) as $joined |
        ([$facts."all-vcns".data[]? | select(.id | IN($joined[])) | . as $v | (."cidr-blocks"[]? // ."cidr-block") | {vcn: $v."display-name", id: $v.id, block: .}]) as $all |
        ([$all[] as $a | $all[] as $b | select($a.id < $b.id) | select($a.block as $block | $b.block | overlaps($block)) | "\($a.vcn) (\($a.block)) and \($b.vcn) (\($b.block))"]) as $clashes |
        (if $clashes == [] then ok("No VCNs that the DRG joins overlap") else bad("VCNs that the DRG joins overlap: \($clashes | join("; ")): packets go astray"; "give one of them another CIDR block: oci network vcn add-vcn-cidr, then remove-vcn-cidr") end),
        attached($facts; $attachments; $vcn; "The function's VCN"; $host; $home."cidr-block" // "\($host)/32"; $drg),
        (if $home == null then empty else attached($facts; $attachments; $home."vcn-id"; "The database's VCN"; $subnet."cidr-block" | split("/")[0]; $subnet."cidr-block"; $drg) end))
     else empty end),
    (if $home == null then unknown("The database's subnet"; "not among those that this user may see")
     elif $rule == null then empty
     else look($facts."hub-routes"[$home."route-table-id"]; "Route back";
      if ."route-rules" | route_to($subnet."cidr-block" | split("/")[0]) then ok("\($home."display-name") has a route back to the function")
      else bad("\($home."display-name") has no route back to \($subnet."cidr-block")"; "oci network route-table update --rt-id \($home."route-table-id") --force --route-rules '<the present rules and> {\"destination\": \"\($subnet."cidr-block")\", \"destinationType\": \"CIDR_BLOCK\", \"networkEntityId\": \"<the DRG or peering gateway>\"}'") end) end)) end),
  (if $home == null then empty else
    ([$home."security-list-ids"[] | $facts."hub-lists"[.] // $facts.lists[.]]) as $lists |
    if any($lists[]; . == null or .error != null) then unknown("Ingress at the database"; "not permitted to look")
    elif [$lists[].data."ingress-security-rules"[]?] | lets($subnet."cidr-block" | split("/")[0]; $port; "source") then ok("\($home."display-name") lets the function in on \($port)")
    else bad("No security list of \($home."display-name") lets the function in on \($port) (a network security group of the database may)"; "oci network security-list update --security-list-id \($home."security-list-ids"[0]) --force --ingress-security-rules '<the present rules and> {\"source\": \"\($subnet."cidr-block")\", \"protocol\": \"6\", \"tcpOptions\": {\"destinationPortRange\": {\"min\": \($port), \"max\": \($port)}}}'") end end),
  ([$subnet."security-list-ids"[] | $facts.lists[.]]) as $lists |
  (if any($lists[], $facts.nsgs[]?; .error != null) then unknown("Egress to the database"; "not permitted to look")
   elif ([$lists[].data."egress-security-rules"[]?] + [$facts.nsgs // {} | .[].data[]? | select(.direction == "EGRESS")]) | lets($host; $port; "destination") then ok("The function's subnet lets \($port) out to \($host)")
   else bad("The function's subnet does not let \($port) out to \($host)"; "oci network security-list update --security-list-id \($subnet."security-list-ids"[0]) --force --egress-security-rules '<the present rules and> {\"destination\": \"\($host)/32\", \"destinationType\": \"CIDR_BLOCK\", \"protocol\": \"6\", \"tcpOptions\": {\"destinationPortRange\": {\"min\": \($port), \"max\": \($port)}}}'") end) end),

# The whole, as the function itself reports it
(if $facts.invoke == null then empty
 elif $facts.invoke.data.code == "ok" then ok("The function's health check: Vault and database answer")
 else bad("The function's health check: \($facts.invoke.data.code)"; $facts.invoke.data.meaning) end)
