"""Rows: secrets, environment files, log drivers and file systems that are prepared before a task starts."""

from __future__ import annotations

from collections.abc import Sequence

from ecskit._explain.finding import Cause
from ecskit._explain.row import START, Row
from ecskit._explain.sources import GUIDE, INITIALIZATION, READ, REPOST, github

__all__ = ["RESOURCE_ROWS", "UNKNOWN_RESOURCE_ROWS"]

_SECRETS = r"(?:unable to (?:pull secrets|get registry auth|retrieve)|failed to fetch secret|Fetching secret data).*?"
_LOGS = r"(?:validate logger args|initialize logging driver|create Cloudwatch log).*?"
_EFS = r"(?:invoke EFS utils|mount\.nfs4).*?"
_ENV_FILES = r"download env files.*?"
_NO_ROUTE = (
    r"(?:deadline|context (?:was )?cancell?ed|RequestCancell?ed|timeout|timed out|connection issue|RequestError"
    r"|request send failed|check your (?:task )?network)"
)
_DENIED = r"(?:AccessDenied|not authorized|\b403\b|Forbidden)"

RESOURCE_ROWS: Sequence[Row] = (
    Row(
        name="secret-key-denied",
        places=START,
        pattern=rf"{_SECRETS}Access to KMS is not allowed",
        what="The execution role may not use the KMS key of a secret.",
        causes=(
            Cause(
                "The secret is encrypted with a key of your own.",
                "Allow the execution role kms:Decrypt on this key, in its policy and in the policy of the key.",
            ),
        ),
        example="ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval"
        " failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret"
        " arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-EaPYTy from secrets manager:"
        " AccessDeniedException: Access to KMS is not allowed",
        report=github("GiamPy5/terraform-aws-directus#10"),
        seen="2024-06-26",
        source=f"{GUIDE}/secrets-envvar-secrets-manager.html",
    ),
    Row(
        name="secret-denied",
        places=START,
        pattern=rf"{_SECRETS}{_DENIED}",
        what="The execution role may not read a secret or log in to the registry.",
        causes=(
            Cause(
                "The execution role lacks the permission. The task role does not count here.",
                "Allow the execution role secretsmanager:GetSecretValue, ssm:GetParameters, or"
                " ecr:GetAuthorizationToken, as the text says.",
            ),
        ),
        example="ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval"
        " failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException:"
        " User: arn:aws:sts::123456789012:assumed-role/app-ExecutionRole/0123 is not authorized to perform:"
        " ssm:GetParameters",
        report=github("aws/copilot-cli#4504"),
        seen="2023-02-16",
        source=INITIALIZATION,
    ),
    Row(
        name="secret-missing",
        places=START,
        pattern=rf"{_SECRETS}(?:invalid ssm parameters|ParameterNotFound|can.t find the specified|does not exist)",
        what="A secret or parameter that the task definition names does not exist.",
        causes=(
            Cause("The name or ARN in the task definition is wrong.", "Correct valueFrom of the secret."),
            Cause("It was not created in this account and region.", "Create it, or name the full ARN."),
        ),
        example="ResourceInitializationError: failed to fetch secret: the specified secret does not exist",
        report=INITIALIZATION,
        seen=READ,
        source=INITIALIZATION,
    ),
    Row(
        name="secret-format",
        places=START,
        pattern=rf"{_SECRETS}(?:did not contain json key|looking for beginning of value)",
        what="The value of a secret does not have the form that the task definition expects.",
        causes=(
            Cause(
                "The secret has no such JSON key, or is no JSON.",
                "Correct the secret, or leave the key out of valueFrom.",
            ),
        ),
        example="ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval"
        " failed: unable to retrieve secret from asm: service call has been retried 1 time(s): invalid character '\\''"
        " looking for beginning of value",
        report=github("rileydakota/valheim-ecs-fargate-cdk#9"),
        seen="2021-02-21",
        source=f"{GUIDE}/secrets-envvar-secrets-manager.html",
    ),
    Row(
        name="secret-unreachable",
        places=START,
        pattern=rf"{_SECRETS}{_NO_ROUTE}",
        what="The task has no connection to the service that holds its secrets or its registry login.",
        causes=(
            Cause(
                "The subnet has no route to the internet.",
                "Use a NAT gateway; in a public subnet, enable assignPublicIp.",
            ),
            Cause(
                "The subnet is private, and VPC endpoints are missing.",
                "Create endpoints for secretsmanager, ssm, kms, ecr.api and ecr.dkr, as far as the task uses them.",
            ),
            Cause("A security group blocks the way.", "Allow outbound TCP 443, and inbound TCP 443 at the endpoints."),
        ),
        example="ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval"
        " failed: unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled:"
        " request context canceled caused by: context deadli...",
        report=github("aws-samples/serverless-jenkins-on-aws-fargate#7"),
        seen="2021-07-19",
        source=f"{REPOST}/ecs-unable-to-pull-secrets",
    ),
    Row(
        name="log-group-missing",
        places=START,
        pattern=rf"{_LOGS}(?:log group does not exist|ResourceNotFound)",
        what="The log group of a container does not exist.",
        causes=(
            Cause(
                "The group was not created.",
                "Create it, or set awslogs-create-group and allow the execution role logs:CreateLogGroup.",
            ),
            Cause("It is in another region.", "Set awslogs-region to the region of the group."),
        ),
        example="CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to"
        " create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
        report=github("prakhar1989/docker-curriculum#253"),
        seen="2020-05-14",
        source=INITIALIZATION,
    ),
    Row(
        name="log-denied",
        places=START,
        pattern=rf"{_LOGS}{_DENIED}",
        what="The log driver may not write to CloudWatch Logs.",
        causes=(
            Cause(
                "The execution role, on EC2 the instance role, lacks the permission.",
                "Allow it logs:CreateLogStream and logs:PutLogEvents; with awslogs-create-group also"
                " logs:CreateLogGroup.",
            ),
        ),
        example="ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
        " failed to create Cloudwatch log stream: AccessDeniedException: User:"
        " arn:aws:sts::123456789012:assumed-role/ecs.task.server/123456a999ee4b919...",
        report=github("doctorray117/minecraft-ondemand#12"),
        seen="2021-09-13",
        source=f"{GUIDE}/using_awslogs.html",
    ),
    Row(
        name="log-options",
        places=START,
        pattern=rf"{_LOGS}(?:MissingEndpoint|awslogs-\w+ is required|unknown log opt)",
        what="The options of the log driver are wrong or incomplete.",
        causes=(Cause("An option such as awslogs-region is missing or wrong.", "Correct logConfiguration.options."),),
        example="ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
        " failed to create Cloudwatch log stream: MissingEndpoint: 'Endpoint' configuration is required",
        report=github("TechToSpeech/terraform-aws-serverless-static-wordpress#74"),
        seen="2022-06-04",
        source=f"{GUIDE}/using_awslogs.html",
    ),
    Row(
        name="log-unreachable",
        places=START,
        pattern=rf"{_LOGS}(?:signal: killed|{_NO_ROUTE})",
        what="The task has no connection to CloudWatch Logs.",
        causes=(
            Cause(
                "The subnet has no route to the internet.", "Use a NAT gateway, a public IP, or an endpoint for logs."
            ),
            Cause("A security group blocks the way.", "Allow outbound TCP 443, and inbound TCP 443 at the endpoint."),
        ),
        example="ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon"
        " CloudWatch log group defined in the task definition. There is a connection issue between the task and"
        " Amazon CloudWatch. Check your network configuration. : signal: killed",
        report=INITIALIZATION,
        seen=READ,
        source=INITIALIZATION,
    ),
    Row(
        name="efs-name",
        places=START,
        pattern=rf"{_EFS}(?:Failed to resolve|check that your file system ID)",
        what="The address of the EFS file system cannot be resolved.",
        causes=(
            Cause(
                "The file system has no mount target in the Availability Zone of the task.",
                "Create a mount target in each zone that the subnets use.",
            ),
            Cause("DNS hostnames are disabled in the VPC.", "Enable enableDnsHostnames and enableDnsSupport."),
            Cause("The id of the file system is wrong.", "Correct fileSystemId in the task definition."),
        ),
        example="ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed"
        ' to resolve "fs-0123456789abcdef0.efs.us-east-1.amazonaws.com" - check that your file system ID is correct',
        report=github("aws/amazon-ecs-cli#1083"),
        seen="2020-07-09",
        source=f"{REPOST}/fargate-unable-to-mount-efs",
    ),
    Row(
        name="efs-unreachable",
        places=START,
        pattern=rf"{_EFS}(?:Connection (?:reset|refused|timed out)|timed out|due to timeout)",
        what="The task has no connection to the EFS file system.",
        causes=(
            Cause(
                "The security group of the mount target does not admit the task.",
                "Allow inbound TCP 2049 from the security group of the task.",
            ),
            Cause("The mount target is not ready yet.", "Run the task again when it is available."),
        ),
        example="ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr:"
        " mount.nfs4: Connection reset by peer : unsuccessful EFS utils command execution; code: 32",
        report=github("docker-archive/compose-cli#1490"),
        seen="2021-04-03",
        source=f"{REPOST}/fargate-unable-to-mount-efs",
    ),
    Row(
        name="efs-path",
        places=START,
        pattern=rf"{_EFS}No such file or directory",
        what="The directory to mount does not exist in the EFS file system.",
        causes=(
            Cause(
                "Nothing has created rootDirectory.", "Create it, or use an access point that creates its directory."
            ),
        ),
        example="ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr:"
        " b'mount.nfs4: mounting fs-0123.efs.eu-west-1.amazonaws.com:/app failed, reason given by server: No such file"
        " or directory' : unsuccessful EFS utils command execution; code: 32",
        report=github("acp-io/terraform-grafana#4"),
        seen="2024-03-04",
        source=f"{REPOST}/fargate-unable-to-mount-efs",
    ),
    Row(
        name="efs-denied",
        places=START,
        pattern=rf"{_EFS}access denied",
        what="The EFS file system refuses the mount.",
        causes=(
            Cause(
                "The policy of the file system, or the task role, does not allow it.",
                "Allow the task role elasticfilesystem:ClientMount and ClientWrite, and use IAM authorization.",
            ),
            Cause("The access point does not belong to the file system.", "Correct accessPointId."),
        ),
        example="ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr:"
        " b'mount.nfs4: access denied by server while mounting 127.0.0.1:/' : unsuccessful EFS utils command execution",
        report=github("aws-ia/terraform-aws-eks-blueprints#1171"),
        seen="2022-11-15",
        source=f"{REPOST}/fargate-unable-to-mount-efs",
    ),
    Row(
        name="environment-file",
        places=START,
        pattern=_ENV_FILES,
        what="An environment file could not be read from S3.",
        causes=(
            Cause(
                "The execution role may not read it, or the ARN of the object is wrong.",
                "Allow the execution role s3:GetObject and s3:GetBucketLocation; compare the ARN with the bucket.",
            ),
            Cause("There is no route to S3.", "Use a NAT gateway, a public IP, or a gateway endpoint for S3."),
        ),
        example="ResourceInitializationError: failed to download env files: file download command: non empty error"
        " stream: RequestCanceled: request context canceled caused by: context deadline exceeded",
        report=github("aws/aws-cdk#12720"),
        seen="2021-01-27",
        source=f"{GUIDE}/use-environment-file.html",
    ),
)

UNKNOWN_RESOURCE_ROWS: Sequence[Row] = (
    Row(
        name="secret-not-read",
        places=START,
        pattern=r"unable to pull secrets or registry auth",
        what="Secrets or the login for the registry could not be read, and ECS does not show why, or cut the reason.",
        causes=(
            Cause(
                "The execution role may not read them.", "Compare its permissions with the secrets of the definition."
            ),
            Cause(
                "There is no route to the service that holds them.", "Use a NAT gateway, a public IP, or VPC endpoints."
            ),
            Cause("A secret does not exist.", "Compare the names in the task definition with the secrets."),
        ),
        example="ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval"
        " failed: unable to retrieve secrets from ssm: service call has been retried 1 time...",
        report=github("aws/copilot-cli#2095"),
        seen="2021-03-23",
        source=INITIALIZATION,
    ),
    Row(
        name="log-driver",
        places=START,
        pattern=r"validate logger args|initialize logging driver",
        what="The log driver of a container could not be started.",
        causes=(
            Cause("Its options are wrong.", "Compare logConfiguration with the documentation of the driver."),
            Cause("The place of the logs is missing or cannot be reached.", "Create it, or open the way there."),
        ),
        example="CannotStartContainerError: Error response from daemon: failed to initialize logging driver:"
        " CredentialsEndpointError: failed to load credentials",
        report=github("aws/amazon-ecs-cli#752"),
        seen="2019-03-19",
        source=INITIALIZATION,
    ),
    Row(
        name="efs-not-mounted",
        places=START,
        pattern=r"invoke EFS utils",
        what="An EFS file system could not be mounted, and ECS does not show why, or cut the reason.",
        causes=(
            Cause("The mount target does not admit the task.", "Allow inbound TCP 2049 from its security group."),
            Cause("The file system has no mount target in the zone.", "Create one in each zone of the subnets."),
        ),
        example="ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Mount"
        " attempt 1/3 failed",
        report=f"{REPOST}/fargate-unable-to-mount-efs",
        seen=READ,
        source=f"{REPOST}/fargate-unable-to-mount-efs",
    ),
)
"""After all other rows: other texts have the same beginning."""
