# A container image of one program, layered by store paths and the same bytes for the same inputs. It runs as a user without rights and
# has nothing but the program's closure, the files that name its user, /tmp, and the folders it writes to. The output is a script that
# writes the image; `passthru.berth` is what a deployer needs to know of it, and evaluates without building anything.
{
  lib,
  stdenv,
  dockerTools,
  fakeNss,
}:
{
  name,
  # What the image is of: its version and description become labels.
  package,
  # What runs, word by word.
  command,
  # The port it listens on.
  port,
  # The address to ask whether it is well: `path`, and `body` that the answer must contain.
  health,
  environment ? { },
  # Folders beside /tmp that it writes to.
  writable ? [ ],
  # What makes it finish open requests and end, and how many seconds that may take.
  stop ? { },
}:
let
  # By number: whoever runs it need not read the image's /etc/passwd to see that it is not root.
  id = "1000";
  user = "${id}:${id}";
  stopping = {
    signal = "SIGTERM";
    seconds = 40;
  }
  // stop;

  image = dockerTools.streamLayeredImage {
    inherit name;
    # Never "now": the same inputs are the same image.
    created = "1970-01-01T00:00:01Z";
    contents = [
      (fakeNss.override {
        extraPasswdLines = [ "app:x:${user}:the app:/var/empty:/bin/false" ];
        extraGroupLines = [ "app:x:${id}:" ];
      })
    ];
    extraCommands = "mkdir -m 1777 tmp\n" + lib.concatMapStrings (dir: "mkdir -p .${dir}\n") writable;
    fakeRootCommands = lib.concatMapStrings (dir: "chown ${user} .${dir}\n") writable;
    config = {
      Cmd = command;
      User = user;
      WorkingDir = "/tmp";
      Env = lib.mapAttrsToList (name: value: "${name}=${value}") environment;
      ExposedPorts."${toString port}/tcp" = { };
      StopSignal = stopping.signal;
      Labels = {
        "org.opencontainers.image.title" = name;
        "org.opencontainers.image.description" = package.meta.description;
        "org.opencontainers.image.version" = package.version;
        "org.opencontainers.image.licenses" = package.meta.license.spdxId;
      };
    };
  };
in
image.overrideAttrs (old: {
  meta = {
    description = "Container image of ${package.name}, as a script that writes it.";
    inherit (package.meta) license;
    platforms = lib.platforms.linux;
  };
  passthru = old.passthru // {
    berth = {
      inherit
        name
        port
        user
        health
        ;
      # Another content is another tag.
      tag = image.imageTag;
      architecture = stdenv.hostPlatform.go.GOARCH;
      stop = stopping;
      # What must stay writable where the rest is read-only.
      writable = [ "/tmp" ] ++ writable;
    };
  };
})
