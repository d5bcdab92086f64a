<#
.SYNOPSIS
  Installs, checks or removes Sightglass as a Windows service.
.DESCRIPTION
  Run it in an elevated PowerShell from the unpacked folder, which holds bin\node.exe, dist, node_modules, examples and
  WinSW-x64.exe (download it yourself and compare its hash with the one of its release page).
  Written with care and not run by us: the test machines of this project have no Windows.
.EXAMPLE
  .\install.ps1 -Action Install -ClientNetwork 10.0.0.0/8
#>
[CmdletBinding(SupportsShouldProcess)]
param(
  [ValidateSet('Install', 'Verify', 'Remove')] [string] $Action = 'Install',
  [string] $Target = "$env:ProgramFiles\Sightglass",
  [string] $Data = "$env:ProgramData\Sightglass",
  [int] $Port = 8080,
  [string[]] $ClientNetwork = @('LocalSubnet')
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
$service = 'Sightglass'
$wrapper = Join-Path $Target 'sightglass-service.exe'

function Install-Sightglass {
  foreach ($name in 'bin\node.exe', 'dist', 'node_modules', 'examples', 'package.json', 'WinSW-x64.exe') {
    if (-not (Test-Path (Join-Path $PSScriptRoot $name))) { throw "$name is missing beside this script" }
  }
  if (Get-Service $service -ErrorAction SilentlyContinue) { throw 'The service is there already; use -Action Remove first' }
  New-Item -ItemType Directory -Force $Target, $Data, "$Data\logs" | Out-Null
  foreach ($name in 'bin', 'dist', 'node_modules', 'examples', 'package.json') {
    Copy-Item -Recurse -Force (Join-Path $PSScriptRoot $name) $Target
  }
  Copy-Item (Join-Path $PSScriptRoot 'WinSW-x64.exe') $wrapper
  Copy-Item (Join-Path $PSScriptRoot 'sightglass-service.xml') $Target
  $settings = Join-Path $Data 'sightglass.yaml'
  if (-not (Test-Path $settings)) {
    Set-Content -Encoding utf8 $settings @"
data-dir: '$($Data -replace "'", "''")\data'
proxy: { listen: '[::]:$Port' }
console: { listen: '127.0.0.1:9080' }
"@
  }
  & $wrapper install
  if ($LASTEXITCODE -ne 0) { throw "WinSW ended with $LASTEXITCODE" }
  # Only the service and administrators may look into the folder of keys and records.
  & icacls.exe $Data /inheritance:r /grant 'SYSTEM:(OI)(CI)F' 'BUILTIN\Administrators:(OI)(CI)F' "NT SERVICE\${service}:(OI)(CI)M" | Out-Null
  if ($LASTEXITCODE -ne 0) { throw "icacls ended with $LASTEXITCODE" }
  New-NetFirewallRule -Name Sightglass-Proxy -DisplayName 'Sightglass proxy' -Direction Inbound -Action Allow `
    -Protocol TCP -LocalPort $Port -Program "$Target\bin\node.exe" -RemoteAddress $ClientNetwork | Out-Null
  Start-Service $service
  Test-Sightglass
}

function Test-Sightglass {
  $state = (Get-Service $service).Status
  if ($state -ne 'Running') { throw "The service is $state; look into $Data\logs" }
  $answer = Invoke-WebRequest -UseBasicParsing "http://127.0.0.1:$Port/ca.pem"
  if ($answer.StatusCode -ne 200) { throw "The proxy answers with $($answer.StatusCode)" }
  Write-Output "Sightglass serves on port $Port."
}

function Remove-Sightglass {
  if (Get-Service $service -ErrorAction SilentlyContinue) {
    Stop-Service $service
    & $wrapper uninstall
    if ($LASTEXITCODE -ne 0) { throw "WinSW ended with $LASTEXITCODE" }
  }
  Remove-NetFirewallRule -Name Sightglass-Proxy -ErrorAction SilentlyContinue
  Remove-Item -Recurse -Force $Target -ErrorAction SilentlyContinue
  Write-Output "Removed. The authority and the records stay in $Data; delete them yourself when they may go."
}

if ($PSCmdlet.ShouldProcess($service, $Action)) {
  switch ($Action) {
    'Install' { Install-Sightglass }
    'Verify' { Test-Sightglass }
    'Remove' { Remove-Sightglass }
  }
}
