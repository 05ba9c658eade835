# A container image of the app with the Node that runs it, as a program that writes a docker-archive: the shape of the flake's own images.
# One layer is Node with its libraries, where they look for each other; the other is the app's store path.
{
  derivations,
  lab,
  site,
  name,
}:
let
  user = "1000:1000";
  port = 3000;
  stop = {
    signal = "SIGTERM";
    seconds = 10;
  };
  architecture =
    {
      x86_64-linux = "amd64";
      aarch64-linux = "arm64";
    }
    .${lab.system};
  archive = derivations.run {
    name = "${name}-image.tar";
    script = ./builders/image.sh;
    inherit (lab) node;
    inherit architecture site;
    image = name;
  };
in
derivations.script {
  name = "${name}-image";
  source = ./write-image.sh;
  values = { inherit archive; };
}
// {
  berth = {
    inherit
      name
      port
      user
      architecture
      stop
      ;
    health = {
      path = "/healthz";
      # The app tells its own store path, so that an old release cannot pass for this one.
      body = builtins.unsafeDiscardStringContext site.outPath;
    };
    writable = [ "/tmp" ];
  };
}
