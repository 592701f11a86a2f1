import { spawn } from "node:child_process";
import { Refusal, say } from "../report.ts";

/** The builder for images of two platforms, which Docker's own cannot make everywhere. */
const BUILDER = "postgres-inserter";

/** What of the environment is no business of a build. */
const SECRET = /^(OCI_|OCIR_|OIDC_|ACTIONS_)/;

interface Run {
  /** For its stdin, where no list of processes shows it. */
  input?: string;
  /** What it writes goes to stderr as it comes. */
  shown?: boolean;
}

/** Runs Docker, with nothing of OCI's credentials in its environment. @throws {Refusal} when there is none */
export function docker(
  args: readonly string[],
  { input = "", shown = false }: Run = {},
): Promise<{ code: number; output: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRET.test(name)));
  return new Promise((resolve, reject) => {
    const child = spawn("docker", [...args], { env, stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
        if (shown) process.stderr.write(chunk);
      });
    }
    child.on("error", () =>
      reject(new Refusal("There is no Docker here, and it builds the image: install it (docs.docker.com)")),
    );
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
    child.stdin.on("error", () => undefined).end(input);
  });
}

/** @throws {Refusal} when Docker does not run, or cannot build for these platforms */
export async function requireDocker(platforms: readonly string[]): Promise<void> {
  if ((await docker(["info"])).code !== 0)
    throw new Refusal(
      "Docker does not run here, and is needed to build the image: start it, and see that this user may use it",
    );
  if ((await docker(["buildx", "version"])).code !== 0)
    throw new Refusal(
      "Docker has no buildx here, which builds the image: install the package docker-buildx-plugin (or docker-buildx)",
    );
  if (platforms.length === 1) return;
  if ((await docker(["buildx", "inspect", BUILDER])).code !== 0) {
    say(`Making the builder ${BUILDER}, for two platforms`);
    const made = await docker(["buildx", "create", "--name", BUILDER, "--driver", "docker-container"]);
    if (made.code !== 0) throw new Refusal(`Docker cannot make a builder for two platforms: ${lastLine(made.output)}`);
  }
  const builder = await docker(["buildx", "inspect", "--bootstrap", BUILDER]);
  const missing = platforms.filter((platform) => !new RegExp(`\\b${platform}\\b`).test(builder.output));
  if (builder.code !== 0) throw new Refusal(`The builder ${BUILDER} does not start: ${lastLine(builder.output)}`);
  if (missing.length > 0)
    throw new Refusal(
      `The builder ${BUILDER} cannot build for ${missing.join(", ")}: install QEMU (sudo apt-get install qemu-user-static), then docker buildx rm ${BUILDER}`,
    );
}

/** @throws {Refusal} when the registry refuses */
export async function logIn(registry: string, username: string, password: string): Promise<void> {
  const { code, output } = await docker(["login", registry, "--username", username, "--password-stdin"], {
    input: password,
  });
  if (code === 0) return;
  const line = lastLine(output);
  if (/\b(429|5\d\d)\b|toomanyrequests/.test(line.replace(registry, "")))
    throw new Refusal(`The registry ${registry} takes no login now: ${line}. Start again later`);
  throw new Refusal(
    `The registry ${registry} refused the login of ${username}: ${line}. Check OCIR_USERNAME and OCIR_AUTH_TOKEN, or leave both out`,
  );
}

/** Builds an image of the folder, one manifest and nothing beside it, and pushes it. @throws {Refusal} */
export async function buildAndPush(
  folder: string,
  image: string,
  platforms: readonly string[],
  labels: Record<string, string>,
): Promise<void> {
  const { code } = await docker(
    [
      ...["buildx", "build", "--platform", platforms.join(","), "--provenance=false", "--sbom=false"],
      ...(platforms.length > 1 ? ["--builder", BUILDER] : []),
      ...Object.entries(labels).flatMap(([name, value]) => ["--label", `org.opencontainers.image.${name}=${value}`]),
      ...["--tag", image, "--push", folder],
    ],
    { shown: true },
  );
  if (code !== 0)
    throw new Refusal(
      "The image could not be built or pushed, for the reason above. A push needs the right to manage repos in the repository's compartment (npm run bootstrap)",
    );
}

function lastLine(output: string): string {
  return output.trim().split("\n").at(-1) ?? "";
}
