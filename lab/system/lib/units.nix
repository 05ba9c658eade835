# systemd units from attribute sets, and the tree /etc/systemd/system from units.
let
  line =
    key: value:
    if value == null then
      [ ]
    else if value == true then
      [ "${key}=true" ]
    else if value == false then
      [ "${key}=false" ]
    else if builtins.isList value then
      map (item: "${key}=${toString item}") value
    else
      [ "${key}=${toString value}" ];

  section =
    name: settings:
    "[${name}]\n"
    + builtins.concatStringsSep "" (
      builtins.concatMap (key: map (text: text + "\n") (line key settings.${key})) (builtins.attrNames settings)
    );
in
rec {
  # { Unit = { … }; Service = { … }; } -> the text of a unit file. Lists become repeated lines.
  unitText =
    sections:
    builtins.concatStringsSep "\n" (map (name: section name sections.${name}) (builtins.attrNames sections));

  # { "site.service" = { text; wantedBy = [ "multi-user.target" ]; }; } -> { files; links; } below `folder`.
  unitTree =
    folder: units:
    let
      names = builtins.attrNames units;
      wants =
        name:
        map (target: {
          name = "${folder}/${target}.wants/${name}";
          value = if units.${name} ? text then "../${name}" else units.${name}.vendor;
        }) (units.${name}.wantedBy or [ ]);
      own = builtins.filter (name: units.${name} ? text) names;
      masked = builtins.filter (name: units.${name}.masked or false) names;
    in
    {
      files = builtins.listToAttrs (
        map (name: {
          name = "${folder}/${name}";
          value = units.${name}.text;
        }) own
      );
      links = builtins.listToAttrs (
        builtins.concatMap wants names
        ++ map (name: {
          name = "${folder}/${name}";
          value = "/dev/null";
        }) masked
      );
    };
}
